namespace Dr.Edge.Volumes.Exports;

/// <summary>How exports are described to people in a client's list. Pure.</summary>
internal static class ExportText
{
    /// <summary>A volume as it is now: "primary, epoch 3, 40 points from 2026-11-20T10:00:00Z to 2026-11-22T10:05:00Z"; for a clone where it began.</summary>
    /// <param name="originName">Name of the volume a clone was made of; null for other volumes.</param>
    /// <param name="listedPoints">Points that the same list shows, at most all.</param>
    public static string OfVolume(VolumeRole role, Epoch epoch, string? originName, DateTimeOffset? originAt, IReadOnlyList<PointInfo> points, int listedPoints, string? fault)
    {
        var parts = new List<string>();
        if (originName is not null)
        {
            parts.Add($"clone of {originName} at {Time(originAt!.Value)}");
        }

        parts.Add(role.ToString().ToLowerInvariant());
        parts.Add($"epoch {epoch}");
        if (points.Count > 0)
        {
            parts.Add(points.Count == 1 ? $"1 point of {Time(points[0].At)}" : $"{points.Count} points from {Time(points[0].At)} to {Time(points[^1].At)}");
        }

        if (listedPoints < points.Count)
        {
            parts.Add($"the newest {listedPoints} are listed, all can be attached by id, label or time");
        }

        if (fault is not null)
        {
            parts.Add($"STOPPED: {fault}");
        }

        return string.Join(", ", parts);
    }

    /// <summary>"point of 2026-11-22T10:05:00Z, application-consistent, before the upgrade".</summary>
    public static string OfPoint(PointInfo point) =>
        $"point of {Time(point.At)}, {point.Consistency.ToString().ToLowerInvariant()}-consistent{(point.Label is null ? "" : $", {point.Label}")}";

    public static string OfMoment(string volume, DateTimeOffset at) => $"{volume} at {Time(at)}";

    private static string Time(DateTimeOffset at) => at.UtcDateTime.ToString("yyyy-MM-dd'T'HH:mm:ss.FFF'Z'", CultureInfo.InvariantCulture);
}
