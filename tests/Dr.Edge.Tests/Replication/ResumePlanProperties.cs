using CsCheck;
using Dr.Contracts.Ids;
using Dr.Contracts.Mqtt;
using Dr.Contracts.Wire;
using Dr.Edge.Replication;

namespace Dr.Edge.Tests.Replication;

/// <summary>Whatever the past, the plan's steps bring the target to the source's content, and nothing is lost on the way.</summary>
public class ResumePlanProperties
{
    private static readonly Gen<(int[] Past, int Mode, int JournalFloor, int Backlog, bool Staged)> Cases =
        Gen.Select(Gen.Int[0, 999].Array[0, 40], Gen.Int[0, 2], Gen.Int[0, 60], Gen.Int[0, 2], Gen.Bool);

    [Fact]
    public void Following_the_steps_ends_with_equal_copies_or_a_refusal_that_changed_nothing() =>
        Cases.Sample(
            c =>
            {
                var (source, target) = Start(c.Past);
                var (before, mode) = (target.Clone(), (CopyMode)c.Mode);
                var kind = Meeting.Of(source.History, target.History).Kind;
                var kept = new List<(Generation, long)>();
                SequenceNumber? gone = null;
                SequenceNumber? rewindGone = null;
                ulong nextPoint = 1_000_000;
                for (var round = 0; round < 12; round++)
                {
                    var step = ResumePlan.Next(View(source, mode, gone, rewindGone, c.Backlog), Position(target));
                    var meeting = Meeting.Of(source.History, target.History);
                    if (meeting.Kind == MeetingKind.SourceBehind)
                    {
                        step.ShouldBeOfType<SourceStep.Refuse>("nothing is ever copied from the one that holds less");
                    }
                    else if (meeting.Kind == MeetingKind.Diverged && rewindGone != meeting.Common)
                    {
                        step.ShouldBe(new SourceStep.Rewind(meeting.Common), "what both share is not sent again");
                    }

                    switch (step)
                    {
                        case SourceStep.Refuse refuse:
                            kind.ShouldBe(MeetingKind.SourceBehind);
                            refuse.Code.ShouldBe(RefusalCode.WrongDirection);
                            target.Writes.ShouldBe(before.Writes);
                            return;
                        case SourceStep.Rewind rewind:
                            TargetRules.MayRewind(source.History, target.History, rewind.To).ShouldBeTrue();
                            if (rewind.To.Value < target.Floor)
                            {
                                rewindGone.ShouldBeNull("it is asked for once");
                                rewindGone = rewind.To;
                                break;
                            }

                            kept.AddRange(target.Writes.Skip((int)rewind.To.Value));
                            target.RewindTo(rewind.To.Value);
                            break;
                        case SourceStep.Journal journal:
                            journal.After.Value.ShouldBe(target.Appended);
                            if (journal.After.Value < c.JournalFloor && journal.After.Value < source.Appended)
                            {
                                gone = journal.After;
                                break;
                            }

                            var end = journal.UntilPoint ? source.Points.Where(p => p.Sequence > journal.After).Select(p => p.Sequence.Value).DefaultIfEmpty(source.Appended).First() : source.Appended;
                            target.CatchUp(source, end);
                            break;
                        case SourceStep.Delta delta:
                            (delta.Base?.Sequence.Value ?? target.Appended).ShouldBeLessThanOrEqualTo(target.Appended, "a delta starts from what the target has");
                            TargetRules.MayBegin(source.History, target.History, [.. target.Points], delta.Base, delta.Target ?? new PointMark(default, new SequenceNumber(source.Appended))).ShouldBeTrue();
                            if (delta.Target is null)
                            {
                                source.TakePoint(nextPoint++);
                            }

                            var to = delta.Target ?? source.Points[^1];
                            (delta.Base is null || to.Sequence.Value >= target.Appended).ShouldBeTrue();
                            if (delta.Base is null && Meeting.Of(source.History, target.History).Kind is not (MeetingKind.Equal or MeetingKind.TargetBehind))
                            {
                                kept.AddRange(target.Writes); // As the target does by itself.
                            }

                            ReplaceBy(target, source, to, delta.Base is null);
                            rewindGone = null;
                            gone = null;
                            break;
                        case SourceStep.AwaitPoint await:
                            mode.ShouldBe(CopyMode.Delta);
                            await.Newest.ShouldBe(source.Points[^1]);
                            target.Appended.ShouldBe(await.Newest.Sequence.Value);
                            Nothing_is_lost(before, target, source, kept);
                            return;
                    }

                    if (step is SourceStep.Journal && target.Appended == source.Appended && source.Points.All(target.Points.Contains))
                    {
                        target.Writes.ShouldBe(source.Writes);
                        Nothing_is_lost(before, target, source, kept);
                        return;
                    }
                }

                if (mode == CopyMode.Delta && target.Writes.SequenceEqual(source.Writes))
                {
                    return; // Waits in the journal for the next point.
                }

                Assert.Fail($"no end in sight: source {source.Appended}, target {target.Appended}, mode {mode}");
            },
            iter: 10_000);

    [Fact]
    public void With_a_history_that_cannot_be_nothing_is_copied() =>
        Cases.Sample(
            c =>
            {
                var (source, target) = Start(c.Past);
                var position = Position(target) with { Chain = [.. target.Chain, new GenerationStart(Generation.New(), new SequenceNumber(target.Appended + 1))] };
                ResumePlan.Next(View(source, (CopyMode)c.Mode, null, null, c.Backlog), position).ShouldBeOfType<SourceStep.Refuse>().Code.ShouldBe(RefusalCode.Unrelated);
            },
            iter: 1_000);

    [Fact]
    public void A_staged_delta_is_gone_on_with_only_from_its_own_base() =>
        Cases.Sample(
            c =>
            {
                var (source, target) = Start(c.Past);
                if (source.Points.Count == 0 || Meeting.Of(source.History, target.History).Kind is not (MeetingKind.TargetBehind or MeetingKind.Equal))
                {
                    return;
                }

                var to = source.Points[^1];
                var from = target.Points.LastOrDefault(source.Points.Contains);
                var position = Position(target) with { StagedBase = from.Id, StagedTarget = to.Id, StagedBlock = 77 };
                if (ResumePlan.Next(View(source, CopyMode.Stream, null, null, 0), position) is SourceStep.Delta { FromBlock: 77 } delta)
                {
                    delta.Target.ShouldBe(to);
                    (delta.Base is null || delta.Base.Value.Sequence.Value <= target.Appended).ShouldBeTrue();
                }
            },
            iter: 10_000);

    private static (ModelCopy Source, ModelCopy Target) Start(int[] past)
    {
        var copies = ModelWorld.Live(past);
        return (copies[0], past.Length % 5 == 0 ? copies[2] : copies[1]);
    }

    private static void Nothing_is_lost(ModelCopy before, ModelCopy target, ModelCopy source, List<(Generation, long)> kept) =>
        before.Writes.All(w => target.Writes.Contains(w) || source.Writes.Contains(w) || kept.Contains(w)).ShouldBeTrue("every write of the target is in the source's history or was kept");

    private static void ReplaceBy(ModelCopy target, ModelCopy source, PointMark point, bool whole)
    {
        if (whole)
        {
            target.Replace();
        }

        var missing = source.Writes.GetRange((int)target.Appended, (int)(point.Sequence.Value - target.Appended));
        target.Writes.AddRange(missing);
        target.Chain = [.. source.Chain.Where(g => g.After <= point.Sequence)];
        if (!target.Points.Contains(point))
        {
            target.Points.Add(point);
        }
    }

    private static SourceView View(ModelCopy source, CopyMode mode, SequenceNumber? gone, SequenceNumber? rewindGone, int backlog) =>
        new(source.History, [.. source.Points], mode, gone, rewindGone, new HashSet<PointId>(), MayCompare: backlog % 2 == 0, backlog * ResumePlan.CoalesceBytes, backlog == 2 && source.Points.Count > 1 ? source.Points[source.Points.Count / 2].Sequence : null);

    private static Position Position(ModelCopy target) =>
        new(VolumeRole.Replica, target.History.Appended, target.History.Appended, default, default, 0, [.. target.Chain], [.. target.Points]);
}
