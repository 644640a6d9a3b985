using Dr.Contracts.Wire;

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

    /// <summary>No position in common that both still know of: never the same line, or the shared part has aged out of one of the two.</summary>
    Unrelated,

    /// <summary>One of the two is a history that cannot be: made up, or damaged.</summary>
    Impossible,
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
            return new Meeting(MeetingKind.Impossible, default);
        }

        var (inSource, inTarget) = LastSharedLink(source, target);
        if (inSource < 0)
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

        var (sourceEnd, targetEnd) = (source.EndOf(inSource), target.EndOf(inTarget));
        var common = sourceEnd < targetEnd ? sourceEnd : targetEnd;
        return (source.Appended == common, target.Appended == common) switch
        {
            (true, true) => new Meeting(MeetingKind.Equal, common),
            (false, true) => new Meeting(MeetingKind.TargetBehind, common),

            // A source that has begun a new generation at the shared position has left the old line there, even if nothing is written in the new one yet.
            (true, false) when inSource < source.Chain.Count - 1 => new Meeting(MeetingKind.Diverged, common),
            (true, false) => new Meeting(MeetingKind.SourceBehind, common),
            _ => new Meeting(MeetingKind.Diverged, common),
        };
    }

    // Histories share a beginning link by link: one that grew from another position, or beside another ancestor, is not the same line. Each side forgets its oldest links when what they wrote has gone
    // into its base, so the two need not begin with the same one: a link that both have says the same of everything before it.
    private static (int InSource, int InTarget) LastSharedLink(CopyHistory source, CopyHistory target)
    {
        var (s, t) = (IndexOf(source, target.Chain), IndexOf(target, source.Chain)) switch
        {
            ( >= 0 and var first, _) => (first, 0),
            (_, >= 0 and var first) => (0, first),
            _ => (-1, -1),
        };
        if (s < 0)
        {
            return (-1, -1);
        }

        while (s + 1 < source.Chain.Count && t + 1 < target.Chain.Count && source.Chain[s + 1] == target.Chain[t + 1])
        {
            (s, t) = (s + 1, t + 1);
        }

        return (s, t);
    }

    // Where a history has the first link of another; -1 when it has not.
    private static int IndexOf(CopyHistory history, IReadOnlyList<GenerationStart> other)
    {
        for (var i = 0; other.Count > 0 && i < history.Chain.Count; i++)
        {
            if (history.Chain[i] == other[0])
            {
                return i;
            }
        }

        return -1;
    }
}
