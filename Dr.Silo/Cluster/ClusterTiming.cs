using Dr.Silo.Decisions.Cluster;

namespace Dr.Silo.Cluster;

/// <summary>
/// How fast a lost silo is found, and what must hold between the times (<c>ClusterTimingTests</c> holds them to it):
/// <list type="bullet">
/// <item>A silo that is gone is declared dead after at most <see cref="DetectionMax"/> = probes missed × longest probe + one more that was under way; its grains answer again when the
/// table is written and read: within 10 s with a margin of 3 s for a slow database.</item>
/// <item>A silo that only stands still (garbage collection, a busy machine, a snapshot of its virtual machine) for less than <see cref="StallTolerated"/> is never declared dead.</item>
/// <item>A serving lease outlives the change: a system's lease (at least 2 s, 6 s by default) is renewed every beat, so up to <see cref="DetectionMax"/> without a granter can close
/// the gate of a system with a short lease for a moment. It never opens one: a new granter waits a whole lease before it fences.</item>
/// <item>Two silos, each cut off from the other and not from the database, vote each other dead; the table is written by compare-and-swap, so exactly one of them stays.</item>
/// </list>
/// </summary>
internal static class ClusterTiming
{
    /// <summary>Where a probe of another silo begins; adapted to the line between the two bounds below. A probe on one site's network takes milliseconds.</summary>
    public static readonly TimeSpan Probe = TimeSpan.FromSeconds(1);

    /// <summary>However fast the line is, a silo is not called late sooner: what stands still for a second is not dead.</summary>
    public static readonly TimeSpan ProbeMin = TimeSpan.FromSeconds(1);

    /// <summary>However slow the line is, a probe is not waited for longer; also the unit of the window in which any message from a silo counts as a sign of life.</summary>
    public static readonly TimeSpan ProbeMax = TimeSpan.FromSeconds(1.5);

    /// <summary>Probes in a row that must be missed: one may be lost, and one may fall into a pause.</summary>
    public const int MissedProbes = 3;

    /// <summary>Silos that must agree; Orleans needs only half of those alive when there are fewer, so one of two is enough and the table decides.</summary>
    public const int Votes = 2;

    /// <summary>A vote that is older says nothing about now.</summary>
    public static readonly TimeSpan VoteExpiry = TimeSpan.FromSeconds(30);

    /// <summary>Each silo writes that it is alive. Only for starts: a silo that joins must reach all whose row is fresh, so after a power cut it waits this long × 3, not a minute and a half.</summary>
    public static readonly TimeSpan IAmAlive = TimeSpan.FromSeconds(3);

    /// <summary>Rows older than this many periods belong to silos that are gone.</summary>
    public const int IAmAliveMissed = 3;

    /// <summary>Changes are told by gossip at once; the table is read this often for what gossip missed.</summary>
    public static readonly TimeSpan TableRefresh = TimeSpan.FromSeconds(3);

    /// <summary>From the last sign of life to the vote, at most.</summary>
    public static TimeSpan DetectionMax => ProbeMax * (MissedProbes + 1);

    /// <summary>A stand-still that is forgiven.</summary>
    public static TimeSpan StallTolerated => ProbeMin * (MissedProbes - 1);

    /// <summary>Until a silo that lost the database and not the others has itself declared dead.</summary>
    public static TimeSpan IsolationMax => PulseRules.DatabaseLostAfter + (PulseRules.Period * 2);
}
