using Dr.Contracts.Wire;

namespace Dr.Edge.Replication;

/// <summary>What a target knows about its copy when a source announces it; <see cref="None"/>: there is none.</summary>
internal sealed record TargetCopy(VolumeRole Role, Epoch Epoch, long SizeBytes, CopyHistory History)
{
    public static TargetCopy? None => null;
}

/// <summary>The target's answer to an announcement.</summary>
internal abstract record TargetVerdict
{
    private TargetVerdict()
    {
    }

    /// <summary>Make an empty copy and follow.</summary>
    public sealed record Create : TargetVerdict;

    /// <summary>Follow with the copy that is there.</summary>
    public sealed record Follow : TargetVerdict;

    /// <summary>Shut the gate (the higher epoch is remembered first), then follow.</summary>
    public sealed record StepDown : TargetVerdict;

    public sealed record Refuse(RefusalCode Code, string Message, string Hint) : TargetVerdict;
}

/// <summary>Whom a copy follows. Pure. By epoch alone: never by size, counter or clock.</summary>
internal static class TargetRules
{
    /// <param name="tellsSizes">The source said which size belongs to which position, so that the copy can follow.</param>
    public static TargetVerdict OnAnnounce(TargetCopy? copy, Announce announce, Epoch epoch, bool nameTakenByAnother, bool tellsSizes)
    {
        if (nameTakenByAnother)
        {
            return new TargetVerdict.Refuse(RefusalCode.Conflict, $"Another volume here is named '{announce.Name}'.", "Rename or delete one of the two.");
        }

        if (copy is null)
        {
            return new TargetVerdict.Create();
        }

        if (epoch < copy.Epoch)
        {
            return new TargetVerdict.Refuse(RefusalCode.Fenced, $"Epoch {epoch} is over: {copy.Epoch} was seen here.", "The volume's owner is another; this side becomes a copy of it.");
        }

        if (announce.SizeBytes != copy.SizeBytes && !tellsSizes)
        {
            return new TargetVerdict.Refuse(RefusalCode.Conflict, $"The copy here has {copy.SizeBytes} bytes, not {announce.SizeBytes}.", "Update the primary's dr-edge: from protocol version 3 on copies follow a change of size.");
        }

        return copy.Role switch
        {
            VolumeRole.Primary when epoch == copy.Epoch =>
                new TargetVerdict.Refuse(RefusalCode.Conflict, $"Both sides are primary at epoch {epoch}.", "Promote the one that is to own the volume at a higher epoch."),
            VolumeRole.Primary => new TargetVerdict.StepDown(),
            _ => new TargetVerdict.Follow(),
        };
    }

    /// <summary>
    /// True when a delta may be staged here. From nothing it replaces everything, from a base that is the end of what is here it goes on. From an older base it may as long as what
    /// lies behind that is the owner's own history: the delta then has every block that changed since the base, and what is here stays whole until it is committed.
    /// </summary>
    public static bool MayBegin(CopyHistory source, CopyHistory target, IReadOnlyList<PointMark> points, PointMark? basePoint, PointMark to) =>
        basePoint is not { } from
        || (points.Contains(from) && to.Sequence >= target.Appended
            && (from.Sequence == target.Appended || Meeting.Of(source, target).Kind is MeetingKind.TargetBehind or MeetingKind.Equal));

    /// <summary>True when going back to <paramref name="to"/> takes nothing off that the owner's history has: the target checks what it was told.</summary>
    public static bool MayRewind(CopyHistory source, CopyHistory target, SequenceNumber to)
    {
        var meeting = Meeting.Of(source, target);
        return meeting.Kind switch
        {
            MeetingKind.Diverged => to == meeting.Common,

            // The journal has a gap: back to a common point from which a delta leads on.
            MeetingKind.TargetBehind or MeetingKind.Equal => to < target.Appended,
            _ => false,
        };
    }
}
