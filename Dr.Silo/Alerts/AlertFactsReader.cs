using Dr.Contracts.Grains;
using Dr.Contracts.Mqtt;
using Dr.Silo.Decisions.Alerts;
using Dr.Silo.Hosting;

namespace Dr.Silo.Alerts;

/// <summary>Looks at everything that alerts are made of, each part with a deadline: what does not answer is unread, which is not the same as calm.</summary>
internal sealed class AlertFactsReader(SiloPlan plan, IGrainFactory grains, AlertStore store, TimeProvider time)
{
    private static readonly TimeSpan Limit = TimeSpan.FromSeconds(3);

    // What only runs change; read anew now and then.
    private static readonly TimeSpan HistoryAge = TimeSpan.FromMinutes(1);

    private (DateTimeOffset At, IReadOnlyDictionary<string, double> Steps, IReadOnlyDictionary<SystemId, DateTimeOffset> Drills)? _history;

    public async Task<(AlertFacts Facts, HashSet<string> Unread)> ReadAsync(IReadOnlyDictionary<string, string> lost, CancellationToken cancellationToken)
    {
        var unread = new HashSet<string>(StringComparer.Ordinal);
        var systems = EachAsync(plan.Systems.Select(s => s.Id.Value), "system", id => grains.GetGrain<IBusinessSystemGrain>(id).GetAsync(), unread);
        var sites = EachAsync(plan.Sites.Select(s => s.Value), "site", async id => (SiteView?)await grains.GetGrain<ISiteGrain>(id).GetAsync(), unread);
        var appliances = EachAsync(
            plan.Devices.Where(d => d.Value.Roles.Contains("appliance", StringComparer.Ordinal)).Select(d => d.Key.Value), "device", async id => (DeviceView?)await grains.GetGrain<IDeviceGrain>(id).GetAsync(), unread);
        await Task.WhenAll(systems, sites, appliances);
        var now = time.GetUtcNow();
        if (_history is not { } history || now - history.At >= HistoryAge)
        {
            _history = history = (now, await store.StepSecondsAsync(cancellationToken), await store.DrilledAsync(cancellationToken));
        }

        var devices = await appliances;
        return (new AlertFacts
        {
            At = now,
            Systems = await systems,
            Sites = await sites,
            Devices = devices,
            Lost = lost,
            StepSeconds = history.Steps,
            Drilled = history.Drills,
            SkewSeconds = devices.Where(d => d is { Presence: Presence.Alive, ClockSkewSeconds: not null }).ToDictionary(d => d.Id, d => Math.Abs(d.ClockSkewSeconds!.Value)),
            StaleWriters = StaleWriters(await systems, devices, now),
        }, unread);
    }

    /// <summary>A device that is heard, and whose volume would take a write at an epoch that is not its system's any more.</summary>
    private static Dictionary<SystemId, (DateTimeOffset At, string Text)> StaleWriters(IReadOnlyList<SystemView> systems, IReadOnlyList<DeviceView> devices, DateTimeOffset now)
    {
        var found = new Dictionary<SystemId, (DateTimeOffset, string)>();
        foreach (var system in systems.Where(s => s.Volume is not null))
        {
            foreach (var device in devices.Where(d => d.Presence == Presence.Alive))
            {
                if (device.Volumes.FirstOrDefault(v => v.Name == system.Volume && v is { Role: VolumeRole.Primary, Writable: true } && v.Epoch < system.Epoch) is { } volume)
                {
                    found[system.Id] = (now, $"{device.Id} takes writes of {system.Id} at epoch {volume.Epoch}, and epoch {system.Epoch} is {system.Site}'s.");
                }
            }
        }

        return found;
    }

    private async Task<IReadOnlyList<T>> EachAsync<T>(IEnumerable<string> ids, string kind, Func<string, Task<T?>> read, HashSet<string> unread)
        where T : class
    {
        var views = await Task.WhenAll(ids.Select(async id =>
        {
            try
            {
                return await read(id).WaitAsync(Limit, time);
            }
            catch (Exception e) when (e is TimeoutException or OrleansException)
            {
                lock (unread)
                {
                    unread.Add($"{kind}:{id}");
                }

                return null;
            }
        }));
        return [.. views.OfType<T>()];
    }
}
