using Dr.Contracts.Grains;
using Dr.Silo.Certificates;
using Dr.Silo.Decisions.Alerts;
using Dr.Silo.Decisions.Cluster;
using Dr.Silo.Hosting;
using Orleans.Runtime;

namespace Dr.Silo.Alerts;

/// <summary>Looks at everything that alerts are made of, each part with a deadline: what does not answer is unread, which is not the same as calm.</summary>
internal sealed class AlertFactsReader(SiloPlan plan, IGrainFactory grains, AlertStore store, CertificateStore certificates, TimeProvider time)
{
    private static readonly TimeSpan Limit = TimeSpan.FromSeconds(3);

    // What only runs and days change; read anew now and then.
    private static readonly TimeSpan HistoryAge = TimeSpan.FromMinutes(1);

    private (DateTimeOffset At, IReadOnlyDictionary<string, double> Steps, IReadOnlyDictionary<SystemId, DateTimeOffset> Drills, IReadOnlyList<CertificateEnd> Certificates)? _history;

    public async Task<(AlertFacts Facts, HashSet<string> Unread)> ReadAsync(IReadOnlyDictionary<string, string> lost, CancellationToken cancellationToken)
    {
        var unread = new HashSet<string>(StringComparer.Ordinal);
        var systems = EachAsync(plan.Systems.Select(s => s.Id.Value), "system", id => grains.GetGrain<IBusinessSystemGrain>(id).GetAsync(), unread);
        var sites = EachAsync(plan.Sites.Select(s => s.Value), "site", async id => (SiteView?)await grains.GetGrain<ISiteGrain>(id).GetAsync(), unread);
        var devicesOfSites = EachAsync(OfSites.Select(d => d.Value), "device", async id => (DeviceView?)await grains.GetGrain<IDeviceGrain>(id).GetAsync(), unread);
        await Task.WhenAll(systems, sites, devicesOfSites);
        var now = time.GetUtcNow();
        if (_history is not { } history || now - history.At >= HistoryAge)
        {
            _history = history = (now, await store.StepSecondsAsync(cancellationToken), await store.DrilledAsync(cancellationToken), await certificates.EndingAsync(cancellationToken));
        }

        var (views, devices) = (await systems, await devicesOfSites);
        return (new AlertFacts
        {
            At = now,
            Systems = views,
            Sites = await sites,
            Devices = devices,
            Lost = await WithLostSilosAsync(lost),
            StepSeconds = history.Steps,
            Drilled = history.Drills,
            Certificates = history.Certificates,
            SkewSeconds = devices.Where(d => d is { Presence: Presence.Alive, ClockSkewSeconds: not null }).ToDictionary(d => d.Id, d => Math.Abs(d.ClockSkewSeconds!.Value)),
            StaleWriters = AlertFindings.StaleWriters(views, devices, now),
            HistoryKept = AlertFindings.HistoryKept(views, devices, now),
            CapacityShort = AlertFindings.CapacityShort(plan.Systems, views, plan.Capacities),
            BoundNotMet = AlertFindings.BoundNotMet(devices),
        }, unread);
    }

    private async Task<IReadOnlyDictionary<string, string>> WithLostSilosAsync(IReadOnlyDictionary<string, string> lost)
    {
        try
        {
            var table = await grains.GetGrain<IManagementGrain>(0).GetDetailedHosts().WaitAsync(Limit, time);
            var silos = SiloLoss.Of([.. table.Select(e => new SiloEntry(e.SiloName, e.SiloAddress.Endpoint, e.Status, e.SuspectTimes is { Count: > 0 }, Utc(e.StartTime), Utc(e.IAmAliveTime)))]);
            return lost.Concat(silos).ToDictionary(StringComparer.Ordinal);
        }
        catch (Exception e) when (e is TimeoutException or OrleansException)
        {
            // The next round reads the membership again; an alert ends only after it has been calm for a while.
            return lost;
        }
    }

    private static DateTimeOffset Utc(DateTime time) => new(DateTime.SpecifyKind(time, DateTimeKind.Utc));

    /// <summary>Appliances, and the hosts of systems: kiosks are too many to be asked one by one, and each tells its own grain.</summary>
    private IEnumerable<DeviceId> OfSites => plan.Devices.Where(d => d.Value.Roles.Contains("appliance", StringComparer.Ordinal)).Select(d => d.Key)
        .Concat(plan.Systems.SelectMany(s => (DeviceId[])[s.HomeSite.Host, s.PeerSite.Host])).Distinct();

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
