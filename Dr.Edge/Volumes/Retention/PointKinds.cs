namespace Dr.Edge.Volumes.Retention;

/// <summary>Which points the appliance took by itself, and so may let go by itself. What a point is goes with it to every copy, so it is read from the point alone.</summary>
internal static class PointKinds
{
    /// <summary>How the reason of a scheduled point begins; what quiesced it may follow.</summary>
    public const string AutomaticReason = "automatic";

    /// <summary>Label and reason of a point that replication takes to have something to send.</summary>
    public const string CopyLabel = "copy";
    public const string CopyReason = "taken to bring a copy up to date";

    /// <summary>Label and reason of a point that a copy makes of what it holds when that turns out not to be its owner's.</summary>
    public const string DiffersLabel = "differs";
    public const string DiffersReason = "what this copy held when it turned out not to be what its owner wrote";

    public static bool IsOfDifference(PointInfo point) => point is { Label: DiffersLabel, Reason: DiffersReason };

    public static bool IsAutomatic(PointInfo point) =>
        (point.Label is null && point.Reason?.StartsWith(AutomaticReason, StringComparison.Ordinal) == true)
        || (point.Label == CopyLabel && point.Reason == CopyReason);
}
