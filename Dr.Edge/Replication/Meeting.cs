namespace Dr.Edge.Replication;

/// <summary>How two histories lie to each other.</summary>
internal enum MeetingKind
{
    /// <summary>Both hold exactly the same writes.</summary>
    Equal,

    /// <summary>The target's history is a beginning of the source's: it catches up.</summary>
    TargetBehind,

    /// <summary>The source's is a beginning of the target's: copying would be the wrong direction.</summary>
    SourceBehind,

    /// <summary>Both went on from <see cref="Meeting.Common"/>.</summary>
    Diverged,

    /// <summary>Nothing in common, or a history that cannot be.</summary>
    Unrelated,
}

/// <summary>
/// The meeting of two copies. Pure, and symmetric: both ends work it out for themselves from the same two histories, and neither does anything that its own answer does not allow. Never by
/// counter or clock: a position is shared only when it lies in a generation that both have.
/// </summary>
internal readonly record struct Meeting(MeetingKind Kind, SequenceNumber Common)
{
    public static Meeting Of(CopyHistory source, CopyHistory target)
    {
        if (!source.IsWellFormed || !target.IsWellFormed)
        {
            return new Meeting(MeetingKind.Unrelated, default);
        }

        var shared = LastSharedLink(source, target);
        if (shared < 0)
        {
            // An empty copy is a beginning of everything.
            return (source.IsEmpty, target.IsEmpty) switch
            {
                (true, true) => new Meeting(MeetingKind.Equal, default),
                (_, true) => new Meeting(MeetingKind.TargetBehind, default),
                (true, _) => new Meeting(MeetingKind.SourceBehind, default),
                _ => new Meeting(MeetingKind.Unrelated, default),
            };
        }

        var (sourceEnd, targetEnd) = (source.EndOf(shared), target.EndOf(shared));
        var common = sourceEnd < targetEnd ? sourceEnd : targetEnd;
        return (source.Appended == common, target.Appended == common) switch
        {
            (true, true) => new Meeting(MeetingKind.Equal, common),
            (false, true) => new Meeting(MeetingKind.TargetBehind, common),

            // A source that has begun a new generation at the shared position has left the old line there, even if nothing is written in the new one yet.
            (true, false) when shared < source.Chain.Count - 1 => new Meeting(MeetingKind.Diverged, common),
            (true, false) => new Meeting(MeetingKind.SourceBehind, common),
            _ => new Meeting(MeetingKind.Diverged, common),
        };
    }

    // Histories share a beginning link by link: one that grew from another position, or beside another ancestor, is not the same line.
    private static int LastSharedLink(CopyHistory source, CopyHistory target)
    {
        var links = Math.Min(source.Chain.Count, target.Chain.Count);
        var shared = 0;
        while (shared < links && source.Chain[shared] == target.Chain[shared])
        {
            shared++;
        }

        return shared - 1;
    }
}
