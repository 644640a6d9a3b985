using System.Diagnostics;
using Dr.Contracts.Grains;
using Dr.Contracts.Ids;
using Dr.Contracts.Mqtt;
using Dr.Silo.Alerts;
using Dr.Silo.Decisions.Alerts;
using Dr.Silo.Tests.Api;
using Microsoft.Extensions.DependencyInjection;

namespace Dr.Silo.Tests.Alerts;

/// <summary>A site that has no room for the one system there is.</summary>
public sealed class CrampedFixture : ApiFixture
{
    private protected override IReadOnlyDictionary<SiteId, double> Capacities => new Dictionary<SiteId, double> { [new SiteId("backup")] = 0.5 };
}

/// <summary>That what a beat says, and what the configuration says, arrives where alerts are made of it. What is made of it is tested beside the pure rules.</summary>
public sealed class AlertWiringTests(CrampedFixture silo) : IClassFixture<CrampedFixture>
{
    private static readonly DeviceId Production = new("prod-1");

    [Fact]
    public async Task What_beats_and_configuration_say_is_found_by_the_reader_of_facts()
    {
        var facts = await FactsAsync("the beats of prod-1", f => f.Devices.Any(d => d.Id == Production && d.Presence == Presence.Alive) && f.HistoryKept.Count > 0 && f.BoundNotMet.Count > 0 && f.CapacityShort.Count > 0, () => BeatAsync(DateTimeOffset.UtcNow.AddDays(-1)));

        facts.HistoryKept[new SystemId("dilas")].ShouldBe(0.1, 0.01, "one day of ten is there");
        facts.BoundNotMet[Production].ShouldContain("promises a beat every 600 s");
        facts.CapacityShort[new SystemId("dilas")].ShouldContain("backup has no room");
        facts.Devices.Single(d => d.Id == Production).Systems.ShouldHaveSingleItem().Network.ShouldBe(NetworkPlace.Partly, "what the gateway reads back is judged from this");

        // Each of them is a sample, so each can become an alert; how long it has to hold is the table's matter.
        AlertSampler.Of(facts).ShouldContain(s => s.Kind == AlertKind.HistoryShort && s.Value > 0.89);
        AlertSampler.Of(facts).ShouldContain(s => s.Kind == AlertKind.DetectorBlind && s.Subject == "device:prod-1");
        var ready = facts with { Systems = [.. facts.Systems.Select(s => s with { Conditions = [] })] };
        AlertSampler.Of(ready).ShouldContain(s => s.Kind == AlertKind.PeerNotReady && s.Text.Contains("no room", StringComparison.Ordinal));
    }

    private Task BeatAsync(DateTimeOffset historyBegins) => silo.Services.GetRequiredService<IGrainFactory>().GetGrain<IDeviceGrain>(Production.Value).OnBeatAsync(new Beat
    {
        Sequence = Stopwatch.GetTimestamp(),
        BootId = "b",
        DeviceEpoch = 1,
        NextDueMs = 600_000,
        HourClass = HourClass.Busy,
        SentAt = DateTimeOffset.UtcNow,
        Systems = [new SystemHealth { System = new SystemId("dilas"), State = HealthState.Running, Network = NetworkPlace.Partly }],
        Volumes =
        [
            new VolumeStatus
            {
                Volume = default, Name = "dilas", SizeBytes = 1, Role = VolumeRole.Primary, Epoch = Epoch.First, Generation = default, Appended = default, Durable = default, Writable = true,
                CreatedAt = DateTimeOffset.UtcNow.AddDays(-100), HistoryBegins = historyBegins, HistorySeconds = TimeSpan.FromDays(10).TotalSeconds,
            },
        ],
    });

    private async Task<AlertFacts> FactsAsync(string what, Func<AlertFacts, bool> holds, Func<Task> before)
    {
        var reader = silo.Services.GetRequiredService<AlertFactsReader>();
        for (var watch = Stopwatch.StartNew(); ; await Task.Delay(100))
        {
            await before();
            var (facts, _) = await reader.ReadAsync(new Dictionary<string, string>(), CancellationToken.None);
            if (holds(facts))
            {
                return facts;
            }

            watch.Elapsed.TotalSeconds.ShouldBeLessThan(60, $"waiting for {what}; there is history of {facts.HistoryKept.Count}, a bound of {facts.BoundNotMet.Count}, capacity of {facts.CapacityShort.Count}, devices {string.Join(", ", facts.Devices.Select(d => $"{d.Id} {d.Presence}"))}");
        }
    }
}
