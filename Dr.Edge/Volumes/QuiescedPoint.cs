using Dr.Edge.Host.Quiesce;

namespace Dr.Edge.Volumes;

/// <summary>A point in a quiet window, with the mark that is true of it.</summary>
internal static class QuiescedPoint
{
    /// <summary>
    /// Takes the point and looks at the window again: when that ended in between (the deadline passed while the point waited for its turn), writers may have gone on before the point was taken. Then it goes, and another one
    /// says that it is only crash-consistent, and why.
    /// </summary>
    /// <param name="reason">What the point's reason becomes of the mark's.</param>
    public static PointInfo CreatePoint(this Volume volume, string? label, IQuiesceWindow window, Func<string, string?> reason)
    {
        var before = window.Mark;
        var point = volume.CreatePoint(label, before.Consistency, reason(before.Reason));
        var after = window.Mark;
        if (before.Consistency == after.Consistency)
        {
            return point;
        }

        var honest = volume.CreatePoint(label, after.Consistency, reason(after.Reason));
        volume.DeletePoint(point.Id);
        return honest;
    }
}
