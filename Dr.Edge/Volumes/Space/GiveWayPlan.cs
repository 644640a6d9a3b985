namespace Dr.Edge.Volumes.Space;

/// <summary>
/// Which point gives way next when the disk is full. Automatic points first, the oldest of them first; then those without a label; then labelled ones: somebody named them, but production
/// goes before any history. Pure.
/// </summary>
internal static class GiveWayPlan
{
    /// <param name="points">Those that may go, in any order.</param>
    /// <param name="oldestFirst">Others went before and freed nothing: the oldest goes now, whatever it is.</param>
    /// <returns>Null when none may.</returns>
    public static PointInfo? Next(IEnumerable<PointInfo> points, Func<PointInfo, bool> isAutomatic, bool oldestFirst) => points
        .OrderBy(point => oldestFirst || isAutomatic(point) ? 0 : point.Label is null ? 1 : 2)
        .ThenBy(point => point.Sequence)
        .ThenBy(point => point.Id)
        .FirstOrDefault();
}
