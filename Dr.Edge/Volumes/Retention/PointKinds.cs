namespace Dr.Edge.Volumes.Retention;

/// <summary>Which points the appliance took by itself, and so may let go by itself. What a point is goes with it to every copy, so it is read from the point alone.</summary>
internal static class PointKinds
{
    /// <summary>How the reason of a scheduled point begins; what quiesced it may follow.</summary>
    public const string AutomaticReason = "automatic";

    /// <summary>Label and reason of a point that replication takes to have something to send.</summary>
    public const string CopyLabel = "copy";
    public const string CopyReason = "taken to bring a copy up to date";

    public static bool IsAutomatic(PointInfo point) =>
        (point.Label is null && point.Reason?.StartsWith(AutomaticReason, StringComparison.Ordinal) == true)
        || (point.Label == CopyLabel && point.Reason == CopyReason);
}
