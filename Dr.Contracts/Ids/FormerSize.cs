namespace Dr.Contracts.Ids;

/// <summary>A size that a volume had before it was made larger. Says of every position which size belongs to it, on every copy alike.</summary>
/// <param name="SizeBytes">Its size then.</param>
/// <param name="UpTo">The last write before it grew: earlier positions had this size.</param>
/// <param name="LastPoint">The newest point when it grew: at <paramref name="UpTo"/> itself, points up to this one had this size. Default: there was none.</param>
/// <param name="Until">When it grew: at <paramref name="UpTo"/> itself, earlier moments had this size.</param>
public sealed record FormerSize(long SizeBytes, SequenceNumber UpTo, PointId LastPoint, DateTimeOffset Until)
{
    /// <summary>Whether the state after write <paramref name="sequence"/>, looked at as of a moment, had this size.</summary>
    public bool HeldAt(SequenceNumber sequence, DateTimeOffset at) => sequence < UpTo || (sequence == UpTo && at < Until);

    /// <summary>Whether a point had this size.</summary>
    public bool HeldAt(SequenceNumber sequence, PointId point) => sequence < UpTo || (sequence == UpTo && point <= LastPoint);
}
