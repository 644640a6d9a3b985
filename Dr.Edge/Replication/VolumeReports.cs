using Dr.Edge.Link;
using Dr.Edge.Replication.Mirror;
using Dr.Edge.Volumes;
using Dr.Edge.Volumes.Retention;

namespace Dr.Edge.Replication;

/// <summary>What this appliance says about its volumes: in every beat, and at once when role, points or the gate change.</summary>
internal sealed class VolumeReports : IBeatContributor, IDisposable
{
    private readonly VolumeSet _volumes;
    private readonly CopyService _copies;
    private readonly IBeatTrigger? _beats;

    public VolumeReports(VolumeSet volumes, CopyService copies, IBeatTrigger? beats)
    {
        (_volumes, _copies, _beats) = (volumes, copies, beats);
        _volumes.Changed += OnVolumeChanged;
        foreach (var volume in volumes.Volumes)
        {
            Watch(volume);
        }
    }

    public void Contribute(BeatDraft draft)
    {
        foreach (var volume in _volumes.Volumes)
        {
            if (volume.Origin is null)
            {
                draft.Volumes.Add(StatusOf(volume));
            }
        }
    }

    public VolumeStatus StatusOf(Volume volume)
    {
        var points = volume.Points;
        var chain = volume.Generations;
        return new VolumeStatus
        {
            Volume = volume.Id,
            Name = volume.Name,
            SizeBytes = volume.SizeBytes,
            Role = volume.Role,
            Epoch = volume.Epoch,
            Generation = chain.Count > 0 ? chain[^1].Generation : default,
            Appended = volume.Appended,
            Durable = volume.Durable,
            Writable = volume.Role == VolumeRole.Primary && volume.Fault is null && volume.Gate.IsOpen,
            CurrentAsOf = volume.CurrentAsOf,
            NewestPoint = points.Count > 0 ? points[^1] : null,
            PointCount = points.Count,
            Copies = volume.Role == VolumeRole.Primary ? [.. _copies.Of(volume).Select(c => c.ToStatus())] : [],
            Fault = volume.Fault,
            AllocatedBytes = volume.AllocatedBytes,
            Space = volume.SpaceLevel,
            CreatedAt = volume.CreatedAt,
            HistoryBegins = volume.HistoryBegins,
            HistorySeconds = volume.Policy.Reach.TotalSeconds is > 0 and var reach ? reach : null,
            Differs = volume.Differs,
            Mirror = MirrorBelief.Of(volume)?.Reported,
            Policy = PolicyChange.Sentence(volume.OwnPolicy, volume.Policy),
        };
    }

    public void Dispose()
    {
        _volumes.Changed -= OnVolumeChanged;
        foreach (var volume in _volumes.Volumes)
        {
            Unwatch(volume);
        }
    }

    private void OnVolumeChanged(Volume volume, bool added)
    {
        if (added)
        {
            Watch(volume);
        }
        else
        {
            Unwatch(volume);
        }

        _beats?.RequestBeatNow();
    }

    private void Watch(Volume volume)
    {
        volume.StateChanged += OnStateChanged;
        volume.Gate.Changed += OnGateChanged;
    }

    private void Unwatch(Volume volume)
    {
        volume.StateChanged -= OnStateChanged;
        volume.Gate.Changed -= OnGateChanged;
    }

    private void OnStateChanged(Volume volume) => _beats?.RequestBeatNow();

    private void OnGateChanged(WriteGate gate) => _beats?.RequestBeatNow();
}
