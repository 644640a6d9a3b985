using Dr.Edge.Hosting;
using Dr.Edge.Link;
using Dr.Edge.Volumes;

namespace Dr.Edge.Replication;

/// <summary>
/// Serving leases of the systems whose volume is here. The gate of such a volume needs a lease from the first moment on; a grant extends it counted from when the request was <em>sent</em>, by the
/// monotonic clock, so that this side always stops earlier than anybody assumes. A grant with a higher epoch shuts the gate for good.
/// </summary>
internal sealed class LeaseKeeper : IBeatContributor, ILeaseListener, IDisposable
{
    private readonly VolumeSet _volumes;
    private readonly TimeProvider _time;
    private readonly Dictionary<SystemId, string> _systems;
    private readonly HashSet<SystemId> _extendable;

    public LeaseKeeper(VolumeSet volumes, EdgeConfig config, TimeProvider time)
    {
        (_volumes, _time) = (volumes, time);
        _systems = config.Systems.Where(s => s.Lease && !string.IsNullOrEmpty(s.Volume)).ToDictionary(s => new SystemId(s.Id), s => s.Volume!);
        _extendable = [.. config.Systems.Where(s => s.ReplicaLease).Select(s => s.SystemId)];
        _volumes.Changed += OnVolumeChanged;
        foreach (var volume in volumes.Volumes)
        {
            OnVolumeChanged(volume, added: true);
        }
    }

    public void Contribute(BeatDraft draft)
    {
        foreach (var (system, name) in _systems)
        {
            if (_volumes.Find(name) is { Role: VolumeRole.Primary } volume)
            {
                draft.Leases.Add(new LeaseRequest { System = system, Epoch = volume.Epoch, Extendable = _extendable.Contains(system) });
            }
        }
    }

    public void OnLease(LeaseGrant grant, long sentAtTimestamp)
    {
        if (!_systems.TryGetValue(grant.System, out var name) || _volumes.Find(name) is not { } volume)
        {
            return;
        }

        if (grant.Epoch > volume.Epoch && volume.Role == VolumeRole.Primary)
        {
            // Another owns it. Not for a replica: it learns its epoch with its promotion.
            volume.SeeEpoch(grant.Epoch);
        }
        else if (grant.Granted && grant.Epoch == volume.Epoch && volume.Role == VolumeRole.Primary)
        {
            volume.Gate.ExtendLease(Deadline(sentAtTimestamp, grant.Ttl, _time));
        }
    }

    public void Dispose() => _volumes.Changed -= OnVolumeChanged;

    /// <summary>The monotonic timestamp at which a lease sent for at <paramref name="sentAt"/> ends.</summary>
    internal static long Deadline(long sentAt, TimeSpan ttl, TimeProvider time) =>
        sentAt + (long)(ttl.TotalSeconds * time.TimestampFrequency);

    private void OnVolumeChanged(Volume volume, bool added)
    {
        if (added && _systems.ContainsValue(volume.Name))
        {
            volume.Gate.RequireLease();
        }
    }
}
