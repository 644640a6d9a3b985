using System.Collections.Concurrent;
using Dr.Edge.Link;
using Dr.Edge.Volumes;

namespace Dr.Edge.Replication.Mirror;

/// <summary>
/// The control plane over the link. Beats carry the records, their answers what is on its disk. While the link is down the primary's own record has to do, but not for a volume that needs a serving
/// lease: that one waits, because its copy may be promoted as soon as the lease has lapsed.
/// </summary>
internal sealed class LinkLedger(bool isConfigured, LinkState link, IBeatTrigger? beats, TimeProvider time) : IMirrorLedger, ILeaseListener
{
    /// <summary>The control plane stores within a second; asked again until it says so.</summary>
    private static readonly TimeSpan AskAgain = TimeSpan.FromMilliseconds(300);

    private readonly ConcurrentDictionary<(VolumeId Volume, string Peer), long> _noted = new();

    public async Task NoteAsync(Volume volume, string peer, long record, CancellationToken cancellationToken)
    {
        while (isConfigured && (link.Connected || volume.Gate.LeaseRequired) && !(_noted.TryGetValue((volume.Id, peer), out var noted) && noted >= record))
        {
            beats?.RequestBeatNow();
            await Task.Delay(AskAgain, time, cancellationToken);
        }
    }

    public void Changed() => beats?.RequestBeatNow();

    public void OnLease(LeaseGrant grant, long sentAtTimestamp)
    {
        // Leases are the gate's business.
    }

    public void OnMirrors(IReadOnlyList<MirrorNoted> mirrors)
    {
        foreach (var mirror in mirrors)
        {
            _noted[(mirror.Volume, mirror.Peer)] = mirror.Record;
        }
    }
}
