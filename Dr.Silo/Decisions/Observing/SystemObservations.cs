using Dr.Silo.Decisions.Detection;
using Dr.Silo.Decisions.Failover;

namespace Dr.Silo.Decisions.Observing;

/// <summary>What has been heard of a system: presence, health, positions, witnesses. Only in memory; told again by the next beats.</summary>
internal sealed class SystemObservations
{
    /// <summary>Target by whose reachability a site's own devices tell whether the line works that its users come in by.</summary>
    public const string Outside = "outside";

    // By the text of the device's id, which hashes faster than the id: every look asks several of them.
    private readonly Dictionary<string, (SiteId Site, bool Reachable, DateTimeOffset At)> _outside = [];
    private readonly Dictionary<string, PresenceChange> _presence = [];
    private readonly Dictionary<string, DateTimeOffset> _aliveSince = [];
    private readonly Dictionary<string, (SystemHealth Health, DateTimeOffset At, DateTimeOffset StateSince)> _health = [];
    private readonly Dictionary<string, (VolumeStatus Status, DateTimeOffset At, DateTimeOffset CopyStateSince, DateTimeOffset? MovedAt)> _volumes = [];
    private readonly Dictionary<string, WitnessReport> _witnesses = [];
    private readonly Dictionary<string, MirrorWord> _mirrors = [];

    public void Hear(PresenceChange change)
    {
        if (change.Alive && IsAlive(change.Device) != true)
        {
            _aliveSince[change.Device.Value] = change.LastHeard;
        }

        _presence[change.Device.Value] = change;
    }

    /// <summary>A report is a beat, too.</summary>
    public void Hear(DeviceId host, SystemHealth health, DateTimeOffset now)
    {
        var since = _health.TryGetValue(host.Value, out var was) && was.Health.State == health.State ? was.StateSince : now;
        _health[host.Value] = (health, now, since);
    }

    public void Hear(DeviceId appliance, VolumeStatus status, DateTimeOffset now)
    {
        var isKnown = _volumes.TryGetValue(appliance.Value, out var was);
        var since = isKnown && CopyStateOf(was.Status) == CopyStateOf(status) ? was.CopyStateSince : now;
        var moved = isKnown && (was.Status.CurrentAsOf != status.CurrentAsOf || was.Status.Appended != status.Appended);
        _volumes[appliance.Value] = (status, now, since, moved ? now : was.MovedAt);
        Hear(MirrorWord.Of(status));
    }

    /// <summary>Words of mirrors, by the primaries themselves or from the store: in any order, some of them twice.</summary>
    public void Hear(IEnumerable<MirrorWord> words)
    {
        foreach (var word in words)
        {
            if (!_mirrors.TryGetValue(word.Peer, out var known) || word.IsAtLeast(known))
            {
                _mirrors[word.Peer] = word;
            }
        }
    }

    /// <summary>True when the newest word about the copy at <paramref name="peer"/> is of the owner's epoch and says that it has every answered write.</summary>
    public bool IsWhole(string? peer, Epoch owner) => peer is not null && _mirrors.TryGetValue(peer, out var word) && word.Epoch == owner && word.State == MirrorState.Whole;

    /// <summary>A site's own device on whether it gets out by the line that users come in by.</summary>
    public void HearOutside(DeviceId device, SiteId site, bool reachable, DateTimeOffset now) => _outside[device.Value] = (site, reachable, now);

    /// <summary>Somebody at <paramref name="site"/> said lately that it cannot get out, and nobody there that it can.</summary>
    public bool AccessLost(SiteId site, DateTimeOffset now)
    {
        var lost = false;
        foreach (var said in _outside.Values)
        {
            if (said.Site == site && now - said.At <= SuspicionClassifier.FreshFor)
            {
                if (said.Reachable)
                {
                    return false;
                }

                lost = true;
            }
        }

        return lost;
    }

    /// <summary>A witness on whether it reaches the system. Street kiosks stand each on a line of its own; all devices of one of the two sites look by that site's line, and count as one.</summary>
    public void Hear(DeviceId witness, SiteId site, SystemState machine, ReachReport report, DateTimeOffset now) =>
        _witnesses[witness.Value] = new WitnessReport(witness, site, site == machine.Owner.Site || site == machine.CopySite ? site.Value : witness.Value, site == machine.Owner.Site, report.Reachable, report.TransactionFailed, now);

    /// <summary>A witness outside the owner's site has said lately that it does not reach the system. Asked at every look, and seldom true.</summary>
    public bool AnybodyShutOut(DateTimeOffset now)
    {
        foreach (var witness in _witnesses.Values)
        {
            if (witness is { Reachable: false, InsideSite: false } && now - witness.At <= SuspicionClassifier.FreshFor)
            {
                return true;
            }
        }

        return false;
    }

    /// <summary>When it was first heard again after its last silence.</summary>
    public DateTimeOffset AliveSince(DeviceId device) => _aliveSince.GetValueOrDefault(device.Value);

    /// <summary>Null = not known yet.</summary>
    public bool? IsAlive(DeviceId device) => _presence.TryGetValue(device.Value, out var p) ? p.Alive : null;

    public PresenceChange? PresenceOf(DeviceId device) => _presence.GetValueOrDefault(device.Value);

    public (SystemHealth Health, DateTimeOffset At, DateTimeOffset StateSince)? HealthOf(DeviceId host) => _health.TryGetValue(host.Value, out var h) ? h : null;

    public (VolumeStatus Status, DateTimeOffset At, DateTimeOffset CopyStateSince)? VolumeOf(DeviceId? appliance) =>
        appliance is { } id && _volumes.TryGetValue(id.Value, out var v) ? (v.Status, v.At, v.CopyStateSince) : null;

    /// <summary>When a report on the volume at <paramref name="appliance"/> last told of a newer state than the one before; null while none has.</summary>
    public DateTimeOffset? VolumeMovedAt(DeviceId appliance) => _volumes.GetValueOrDefault(appliance.Value).MovedAt;

    public IReadOnlyList<WitnessReport> Witnesses => [.. _witnesses.Values];

    public IReadOnlyList<DeviceId> WitnessesToAsk(DeviceId suspect) =>
        WitnessChoice.Pick(_witnesses.Values.Select(w => new WitnessCandidate(w.Witness, w.Site, w.Path, w.InsideSite, w.At)), suspect);

    private static CopyState? CopyStateOf(VolumeStatus status) => status.Copies.Count == 0 ? null : status.Copies[0].State;
}
