using System.Collections.Concurrent;
using Dr.Edge.Link;

namespace Dr.Edge.Host;

/// <summary>
/// Knows from the answers to lease requests how long each system may serve from this machine. It counts from when the request was sent, as the volume's own gate does, so the gate
/// has closed by the time the components are stopped.
/// </summary>
internal sealed class ServingWatch(TimeProvider time) : ILeaseListener
{
    /// <summary>After its start a system gets this long for its first lease. Not dangerous: without a lease the volume takes no writes.</summary>
    public static readonly TimeSpan FirstLease = TimeSpan.FromSeconds(30);

    private readonly ConcurrentDictionary<SystemId, (LeaseGrant Grant, long SentAt)> _newest = new();

    public void OnLease(LeaseGrant grant, long sentAtTimestamp) =>
        _newest.AddOrUpdate(grant.System, (grant, sentAtTimestamp), (_, before) => before.SentAt > sentAtTimestamp ? before : (grant, sentAtTimestamp));

    /// <summary>Why a system may not serve any more; null while it may.</summary>
    /// <param name="startedAt">The ownership it was started under.</param>
    /// <param name="highest">The highest epoch seen from any side.</param>
    /// <param name="since">Timestamp of its start; answers to older requests say nothing about it.</param>
    public string? Objection(SystemConfig system, Epoch startedAt, Epoch highest, long since)
    {
        if (startedAt < highest)
        {
            return $"it serves at epoch {startedAt}, and epoch {highest} was seen";
        }

        if (!system.Lease)
        {
            return null;
        }

        if (!_newest.TryGetValue(system.SystemId, out var newest) || newest.SentAt < since)
        {
            return time.GetElapsedTime(since) < FirstLease ? null : $"no serving lease was granted within {FirstLease.TotalSeconds:0} s of its start";
        }

        var age = time.GetElapsedTime(newest.SentAt);
        return !newest.Grant.Granted ? "its serving lease was refused"
            : age >= newest.Grant.Ttl ? $"its serving lease lapsed {(age - newest.Grant.Ttl).TotalSeconds:0.0} s ago"
            : null;
    }
}
