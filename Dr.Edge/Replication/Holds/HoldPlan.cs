namespace Dr.Edge.Replication.Holds;

/// <summary>How much history is kept for a copy that lacks it.</summary>
internal enum HoldLevel
{
    /// <summary>Nothing: when the copy is back, whatever points both still have decide, and a full copy if there are none.</summary>
    Nothing,

    /// <summary>Which blocks were written since the last common point (<see cref="Changes.ChangeMap"/>), and the little log that is not in that map yet.</summary>
    Map,

    /// <summary>The state at the last common point: what was written since arrives as a delta from there, each block once.</summary>
    Point,

    /// <summary>Every write that the copy lacks, and the last common point beside it.</summary>
    Journal,
}

/// <summary>What decides about it.</summary>
/// <param name="Level">What is kept now.</param>
/// <param name="HasCommonPoint">Both hold a point that a delta can start from.</param>
/// <param name="HasOpenGap">Something was given up that the copy has not passed yet.</param>
/// <param name="JournalBytes">Log that the copy lacks.</param>
/// <param name="PointBytes">Log since the last common point.</param>
/// <param name="BudgetBytes">How much of it may be kept.</param>
/// <param name="IsShort">The file system is running out of space.</param>
/// <param name="HasMap">There is a map already: it serves a peer that is back and shares a point with us no longer, as long as it still has the one that the map begins at.</param>
[System.Runtime.InteropServices.StructLayout(System.Runtime.InteropServices.LayoutKind.Auto)]
internal readonly record struct HoldView(HoldLevel Level, bool HasCommonPoint, bool HasOpenGap, long JournalBytes, long PointBytes, long BudgetBytes, bool IsShort, bool HasMap = false);

/// <summary>
/// Decides what a primary keeps for a copy that is away. Pure. What is given up does not come back before the copy has passed the gap, and the production disk never fills for a copy's sake.
/// </summary>
internal static class HoldPlan
{
    /// <summary>
    /// The state at a point costs the newest version of each block since, which is less than the log: it may stay until the log would be this many times the budget.
    /// </summary>
    public const int PointShare = 4;

    /// <summary>Log after which the map is brought up to date: what the map costs to write is little beside it.</summary>
    public const long MapStepBytes = 64L << 20;

    /// <summary>On a disk that runs short less than this is not worth a gap: a copy that keeps up holds a few seconds of log.</summary>
    public const long NotWorthIt = 64L << 20;

    /// <summary>Of a copy's budget when none is given: enough for a day at production's pace ...</summary>
    public const long DefaultBudgetBytes = 20L << 30;

    /// <summary>... but never more than this part of the file system.</summary>
    public const int FileSystemShare = 10;

    public static HoldLevel Decide(HoldView view)
    {
        var wanted = Wanted(view);
        return view.HasOpenGap && wanted > view.Level ? view.Level : wanted;
    }

    public static long DefaultBudget(long fileSystemBytes) => Math.Min(DefaultBudgetBytes, fileSystemBytes / FileSystemShare);

    /// <summary>So much log after the map's end is worth another look; at once on a disk that runs short.</summary>
    public static bool AdvancesMap(HoldView view, long bytesAfterMap) => bytesAfterMap > (view.IsShort ? 0 : Math.Min(MapStepBytes, view.BudgetBytes));

    /// <summary>The last common point is worth what it costs.</summary>
    public static bool KeepsPoint(HoldView view) => view.HasCommonPoint && view.PointBytes / PointShare <= view.BudgetBytes;

    private static HoldLevel Wanted(HoldView view)
    {
        if (view.IsShort && view.JournalBytes > NotWorthIt)
        {
            return Least(view);
        }

        if (view.JournalBytes <= view.BudgetBytes)
        {
            return HoldLevel.Journal;
        }

        return KeepsPoint(view) ? HoldLevel.Point : Least(view);
    }

    private static HoldLevel Least(HoldView view) => view.HasCommonPoint || view.HasMap ? HoldLevel.Map : HoldLevel.Nothing;
}
