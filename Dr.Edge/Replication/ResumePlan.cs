using Dr.Contracts.Wire;

namespace Dr.Edge.Replication;

/// <summary>
/// From where the two copies stand to the next step. Pure. The ladder: go on with a staged delta → journal → delta from the newest common point, at or below where the target
/// stands → when that turned out to differ, or the journal did not continue what the target holds, back to the one before, and a delta from there, which proves the whole content →
/// what the change map says was written since a point that only the target has → what differs by digest from the newest point that the target has → everything. Every position leads to a step; none needs a human, and none goes in the wrong direction.
/// </summary>
internal static class ResumePlan
{
    /// <summary>
    /// A backlog from which a delta is sent instead of the journal when both stand at a common point: the delta sends every block once, with its newest content.
    /// 16 MiB is a few seconds of a slow line; below it the journal keeps every write apart at little cost.
    /// </summary>
    public const long CoalesceBytes = 16 * 1024 * 1024;

    public static SourceStep Next(SourceView source, Position target)
    {
        var history = new CopyHistory(target.Chain, target.Appended);
        var meeting = Meeting.Of(source.History, history);
        return meeting.Kind switch
        {
            MeetingKind.Impossible => new SourceStep.Refuse(RefusalCode.Unrelated, "one of the two histories cannot be"),

            // Where they parted is no longer there to go back to: everything comes anew, beside what the target has, which it keeps as a clone.
            MeetingKind.Unrelated => FromNothing(source, target),
            MeetingKind.Diverged when source.RewindGoneAt == meeting.Common => FromNothing(source, target),
            MeetingKind.SourceBehind => new SourceStep.Refuse(RefusalCode.WrongDirection, "the peer holds more of this history than we do"),
            MeetingKind.Diverged => new SourceStep.Rewind(meeting.Common),
            _ => CatchUp(source, target),
        };
    }

    private static SourceStep CatchUp(SourceView source, Position target)
    {
        if (Staged(source, target) is { } staged)
        {
            return staged;
        }

        if (target.Appended == SequenceNumber.Zero && source.History.Appended > SequenceNumber.Zero)
        {
            return Seed(source);
        }

        if (IsDistrusted(source, target) || target.Appended >= source.DiffersAt)
        {
            return StepBack(source, target);
        }

        if (source.DiffersAt is not null)
        {
            // It has gone back. That what it holds now is ours the journal alone might not show: the content of a delta is proven.
            return StepDown(source, target);
        }

        var here = CommonPoints(source, target).LastOrDefault(p => p.Sequence == target.Appended);
        var newest = source.Points.Count > 0 ? source.Points[^1] : default;
        var journalGone = source.JournalGoneAt == target.Appended;
        if (here != default)
        {
            if (source.Mode == CopyMode.Delta)
            {
                // A point without a write after the last one costs nothing and belongs on both ends: the journal carries it.
                return newest.Sequence > here.Sequence ? new SourceStep.Delta(here, newest, 0)
                    : newest != here && !journalGone ? new SourceStep.Journal(target.Appended, UntilPoint: true)
                    : new SourceStep.AwaitPoint(newest);
            }

            if (journalGone || source.Distrusted.Count > 0 || (source.BacklogBytes > CoalesceBytes && source.History.Appended > target.Appended))
            {
                return new SourceStep.Delta(here, newest.Sequence > here.Sequence ? newest : null, 0);
            }
        }

        return journalGone ? StepDown(source, target) : new SourceStep.Journal(target.Appended, source.Mode == CopyMode.Delta);
    }

    // The journal no longer reaches the target: a delta from the newest point that both hold, which leaves the target as it is until it is whole, or everything.
    private static SourceStep.Delta StepDown(SourceView source, Position target)
    {
        var newest = source.Points.Count > 0 ? source.Points[^1] : default;
        var common = CommonPoints(source, target).LastOrDefault(p => p.Sequence <= target.Appended);
        return common == default ? Full(source, target) : new SourceStep.Delta(common, newest.Sequence > target.Appended ? newest : null, 0);
    }

    // What the target holds behind a point that differs is not what we hold there, whatever the numbers say.
    private static bool IsDistrusted(SourceView source, Position target) =>
        source.Points.LastOrDefault(p => p.Sequence <= target.Appended && target.Points.Contains(p)) is var last && last != default && source.Distrusted.Contains(last.Id);

    // The target keeps what differs as a clone. A second point that differs is no accident of one point any more.
    private static SourceStep StepBack(SourceView source, Position target)
    {
        var common = CommonPoints(source, target).LastOrDefault(p => p.Sequence < target.Appended && !(p.Sequence >= source.DiffersAt));
        return common == default || source.Distrusted.Count > 1 || source.RewindGoneAt == common.Sequence ? Full(source, target) : new SourceStep.Rewind(common.Sequence);
    }

    private static SourceStep.Delta FromNothing(SourceView source, Position target) =>
        target.StagedBase == default && Staged(source, target) is { } staged ? staged : Seed(source);

    // Everything, but for what the target can show to have: compared with a point of its own, whether we trust it or not.
    private static SourceStep.Delta Full(SourceView source, Position target)
    {
        var all = Seed(source);
        if (target.Points.LastOrDefault(p => IsMapped(source, target, p)) is var mapped && mapped != default)
        {
            return all with { Base = mapped, ByMap = true };
        }

        var held = target.Points.LastOrDefault(p => p.Sequence <= target.Appended);
        return source.MayCompare && held != default ? all with { Base = held, ByDigests = true } : all;
    }

    private static bool IsMapped(SourceView source, Position target, PointMark point) =>
        source.DiffersAt is null && point.Sequence == source.MappedFrom && point.Sequence <= target.Appended && !source.Distrusted.Contains(point.Id);

    private static SourceStep.Delta Seed(SourceView source)
    {
        // A point at the head is as new as can be; otherwise one is taken.
        var newest = source.Points.Count > 0 ? source.Points[^1] : default;
        return new SourceStep.Delta(null, newest != default && newest.Sequence == source.History.Appended ? newest : null, 0);
    }

    private static SourceStep.Delta? Staged(SourceView source, Position target)
    {
        var to = source.Points.FirstOrDefault(p => p.Id == target.StagedTarget);
        if (target.StagedTarget == default || to == default)
        {
            return null;
        }

        if (target.StagedBase == default)
        {
            return new SourceStep.Delta(null, to, target.StagedBlock);
        }

        var from = CommonPoints(source, target).FirstOrDefault(p => p.Id == target.StagedBase);
        if (target.Appended > to.Sequence)
        {
            return null;
        }

        if (from != default && from.Sequence <= target.Appended)
        {
            return new SourceStep.Delta(from, to, target.StagedBlock);
        }

        var held = target.Points.FirstOrDefault(p => p.Id == target.StagedBase);
        if (from == default && IsMapped(source, target, held))
        {
            return new SourceStep.Delta(held, to, target.StagedBlock, ByMap: true);
        }

        return source.MayCompare && from == default && held != default && held.Sequence <= target.Appended
            ? new SourceStep.Delta(held, to, target.StagedBlock, ByDigests: true)
            : null;
    }

    private static IEnumerable<PointMark> CommonPoints(SourceView source, Position target) =>
        source.Points.Where(p => !source.Distrusted.Contains(p.Id) && target.Points.Contains(p));
}
