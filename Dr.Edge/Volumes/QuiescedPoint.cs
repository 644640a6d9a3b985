using Dr.Edge.Host.Quiesce;

namespace Dr.Edge.Volumes;

/// <summary>A point in a quiet window, with the mark that is true of it.</summary>
internal static class QuiescedPoint
{
    /// <summary>
    /// Takes the point and asks the window when it is behind the last write that the point has: had the quiet ended before that instant (the deadline passed while the point waited for its turn), it says that it is only
    /// crash-consistent, and why. What is recorded was true when it was.
    /// </summary>
    /// <param name="reason">What the point's reason becomes of the mark's.</param>
    public static PointInfo CreatePoint(this Volume volume, string? label, IQuiesceWindow window, Func<string, string?> reason) => volume.CreatePoint(label, () =>
    {
        var mark = MarkOf(window);
        return (mark.Consistency, reason(mark.Reason));
    });

    /// <summary>What may be claimed at this instant. Never throws: writers go on in another file by then, which only the point's record names.</summary>
    public static QuiesceMark MarkOf(IQuiesceWindow window)
    {
        try
        {
            return window.Mark;
        }
        catch (Exception exception) when (exception.MayPass())
        {
            return QuiesceMark.Crash($"whether the quiet lasted is not known: {exception.Message}");
        }
    }
}
