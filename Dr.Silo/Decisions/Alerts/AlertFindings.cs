using Dr.Contracts.Grains;
using Dr.Contracts.Mqtt;
using Dr.Silo.Decisions.Detection;
using Dr.Silo.Decisions.Sites;

namespace Dr.Silo.Decisions.Alerts;

/// <summary>From views and configuration to the facts that alerts are made of. Pure.</summary>
public static class AlertFindings
{
    /// <summary>A host reads its network actions back every 15 s, and its beats take a while: a gateway is only wrong when it had this long to become right.</summary>
    public static readonly TimeSpan GatewaySettles = TimeSpan.FromSeconds(60);

    /// <summary>Beats that are lost and late so often that a living device would be suspected more often than this leave the detector no deadline that it can keep.</summary>
    public const double LeastDaysBetweenMistakes = 1;

    /// <summary>A stop may be noticed this much later than its class promises before somebody is told: the tick of the judge and a stretched beat are in it.</summary>
    public const double BoundTolerance = 1.25;

    /// <summary>A device that is heard, and whose volume would take a write at an epoch that is not its system's any more; or a gateway that does not lead to where the system is.</summary>
    public static IReadOnlyDictionary<SystemId, (DateTimeOffset At, string Text)> StaleWriters(IReadOnlyList<SystemView> systems, IReadOnlyList<DeviceView> devices, DateTimeOffset now)
    {
        ArgumentNullException.ThrowIfNull(systems);
        ArgumentNullException.ThrowIfNull(devices);
        var found = new Dictionary<SystemId, (DateTimeOffset, string)>();
        foreach (var system in systems)
        {
            foreach (var device in devices.Where(d => d.Presence == Presence.Alive))
            {
                if (StaleVolume(system, device) is { } stale)
                {
                    found[system.Id] = (now, stale);
                }
                else if (WrongGateway(system, device, now) is { } wrong)
                {
                    found.TryAdd(system.Id, (now, wrong));
                }
            }
        }

        return found;
    }

    /// <summary>The part of the history that the policy in force wants, and that its owner still has; not asked of a volume that is younger than that for the time before it was.</summary>
    public static IReadOnlyDictionary<SystemId, double> HistoryKept(IReadOnlyList<SystemView> systems, IReadOnlyList<DeviceView> devices, DateTimeOffset now)
    {
        ArgumentNullException.ThrowIfNull(systems);
        ArgumentNullException.ThrowIfNull(devices);
        var kept = new Dictionary<SystemId, double>();
        foreach (var system in systems.Where(s => s.Volume is not null))
        {
            var volume = devices.Where(d => d.Presence == Presence.Alive).SelectMany(d => d.Volumes).FirstOrDefault(v => v.Name == system.Volume && v.Role == VolumeRole.Primary && v.Epoch == system.Epoch);
            if (volume is { CreatedAt: { } created, HistoryBegins: { } begins, HistorySeconds: { } wanted } && Math.Min(wanted, (now - created).TotalSeconds) is > 0 and var there)
            {
                kept[system.Id] = Math.Clamp((now - begins).TotalSeconds / there, 0, 1);
            }
        }

        return kept;
    }

    /// <summary>Systems that would stay behind if the site that they are at were lost now, each with the reason.</summary>
    public static IReadOnlyDictionary<SystemId, string> CapacityShort(IReadOnlyList<SystemSettings> settings, IReadOnlyList<SystemView> systems, IReadOnlyDictionary<SiteId, double> capacities)
    {
        ArgumentNullException.ThrowIfNull(settings);
        ArgumentNullException.ThrowIfNull(systems);
        ArgumentNullException.ThrowIfNull(capacities);
        var at = systems.ToDictionary(s => s.Id, s => s.Site);
        var found = new Dictionary<SystemId, string>();
        foreach (var way in settings.Where(s => at.ContainsKey(s.Id)).GroupBy(s => (From: at[s.Id], To: s.Opposite(at[s.Id]).Site)).Where(w => capacities.ContainsKey(w.Key.To)))
        {
            var there = settings.Where(s => at.TryGetValue(s.Id, out var site) && site == way.Key.To).Select(SiteMember.Of);
            foreach (var (system, why) in SitePlan.Make([.. way.Select(SiteMember.Of)], [.. there], capacities[way.Key.To]).LeftOut)
            {
                found[system] = $"{way.Key.To} has no room for {system} if {way.Key.From} is lost: {why}";
            }
        }

        return found;
    }

    /// <summary>Devices whose stop would be noticed later than their class promises, or that would be suspected all the time while they live.</summary>
    public static IReadOnlyDictionary<DeviceId, string> BoundNotMet(IReadOnlyList<DeviceView> devices)
    {
        ArgumentNullException.ThrowIfNull(devices);
        var found = new Dictionary<DeviceId, string>();
        foreach (var device in devices.Where(d => d.Presence == Presence.Alive))
        {
            if (device.PeriodMs is { } period && BeatClass.Find(device.Class) is { } beats && (period / 1_000.0) + beats.Alpha(device.HourClass).TotalSeconds is var bound
                && bound > beats.Deadline(device.HourClass).TotalSeconds * BoundTolerance)
            {
                found[device.Id] = string.Create(
                    CultureInfo.InvariantCulture,
                    $"{device.Id} promises a beat every {period / 1_000.0:0.#} s, so its stop is noticed after up to {bound:0.#} s; its class {beats.Name} promises {beats.Deadline(device.HourClass).TotalSeconds:0.#} s.");
            }
            else if (device.DaysBetweenMistakes is < LeastDaysBetweenMistakes and var days)
            {
                found[device.Id] = string.Create(
                    CultureInfo.InvariantCulture,
                    $"Of the beats of {device.Id} {device.LossRate ?? 0:P0} are lost and the others are {device.LatenessMs ?? 0:0} ms late: at its deadline it would be suspected every {days * 24:0.#} h while it lives.");
            }
        }

        return found;
    }

    private static string? StaleVolume(SystemView system, DeviceView device) =>
        system.Volume is not null && device.Volumes.FirstOrDefault(v => v.Name == system.Volume && v is { Role: VolumeRole.Primary, Writable: true } && v.Epoch < system.Epoch) is { } volume
            ? $"{device.Id} takes writes of {system.Id} at epoch {volume.Epoch}, and epoch {system.Epoch} is {system.Site}'s."
            : null;

    /// <summary>Only while nothing is on its way: a run moves the gateway itself, and reads it back itself.</summary>
    private static string? WrongGateway(SystemView system, DeviceView device, DateTimeOffset now)
    {
        var isMoving = system.LiveRun is { State: RunState.Running } && system.Phase != nameof(Phase.OnTrial);
        if (isMoving || now - system.PhaseSince < GatewaySettles || device.Systems.FirstOrDefault(h => h.System == system.Id) is not { Network: not NetworkPlace.Unknown } health)
        {
            return null;
        }

        return (device.Site == system.Site, health.Network) switch
        {
            (true, NetworkPlace.Away or NetworkPlace.Partly) when health.State == HealthState.Running => $"{system.Id} runs at {system.Site}, and {device.Id} reads back that its network does not lead there{(health.Network == NetworkPlace.Partly ? " with all its parts" : "")}.",
            (false, NetworkPlace.Here or NetworkPlace.Partly) => $"{system.Id} is at {system.Site}, and {device.Id} reads back that its network still leads to {device.Site}.",
            _ => null,
        };
    }
}
