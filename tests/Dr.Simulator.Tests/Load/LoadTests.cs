using System.Text.Json;
using Dr.Contracts.Mqtt.Client;
using Dr.Simulator.Load;

namespace Dr.Simulator.Tests.Load;

/// <summary>A small fleet with real connections to the embedded broker.</summary>
public sealed class LoadTests
{
    [Fact]
    public async Task Two_hundred_devices_beat_stop_and_come_back_and_nobody_living_is_suspected()
    {
        var plan = new LoadPlan { Devices = 200, Beat = TimeSpan.FromMilliseconds(500), Duration = TimeSpan.FromSeconds(10), Outages = 0.03, Storms = 1, StormShare = 0.5, ConnectsPerSecond = 400, ReconnectAfter = Soon };
        var summary = await LoadFleet.RunAsync(plan, null, TimeProvider.System, TestContext.Current.CancellationToken);
        TestContext.Current.TestOutputHelper?.WriteLine(summary.ToText());
        summary.Complete.ShouldBeTrue();
        (summary.MostConnected, summary.DevicesHeard).ShouldBe((200, 200));
        summary.FalseSuspicions.ShouldBe(0, summary.ToText());

        // Each device beats at every connect and then twice a second: what a loaded machine makes of it lies well within these bounds.
        summary.BeatsSent.ShouldBeInRange(1_000, 6_000);
        (summary.BeatsReceived + summary.BeatsMissing).ShouldBeLessThanOrEqualTo(summary.BeatsSent);
        summary.BeatsReceived.ShouldBeGreaterThan(summary.BeatsSent * 9 / 10);
        (summary.Storms, summary.StormSeconds.Count).ShouldBe((1, 1));
        summary.Reconnects.ShouldBeGreaterThan(60);
        summary.Outages.ShouldBeGreaterThan(0);
        if (summary.LooksNotJudged == 0)
        {
            // A listener that stood still itself judges nobody for a while, rightly.
            summary.OutagesNoticed.ShouldBe(summary.Outages);
        }

        using var json = JsonDocument.Parse(summary.ToJson());
        json.RootElement.GetProperty("falseSuspicions").GetInt64().ShouldBe(0);
    }

    [Fact]
    public async Task Stopped_early_it_tells_what_was_done()
    {
        using var stop = new CancellationTokenSource(TimeSpan.FromMinutes(2));
        var progress = new StopsWhenConnected(stop);
        var plan = new LoadPlan { Devices = 20, Beat = TimeSpan.FromMilliseconds(200), Duration = TimeSpan.FromMinutes(10), Storms = 0, Outages = 0 };
        var summary = await LoadFleet.RunAsync(plan, progress, TimeProvider.System, stop.Token);
        progress.Said.ShouldContain("connected,", Case.Sensitive, "the fleet did not stand within the limit");
        summary.Complete.ShouldBeFalse();
        summary.BeatsReceived.ShouldBeGreaterThan(0);
    }

    /// <summary>As much sooner than a device as its beats come sooner.</summary>
    private static TimeSpan Soon(int failures, double random) => ReconnectDelay.After(failures, random) / 10;

    /// <summary>Stops the run as soon as every device is connected and beats.</summary>
    private sealed class StopsWhenConnected(CancellationTokenSource stop) : IProgress<(string What, double Share)>
    {
        public string Said { get; private set; } = "";

        public void Report((string What, double Share) value)
        {
            Said = value.What;
            if (Said != "connecting")
            {
                stop.Cancel();
            }
        }
    }
}
