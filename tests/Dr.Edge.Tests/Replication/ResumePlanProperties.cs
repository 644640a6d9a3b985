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
                            if (!CanGoBack(source, target, rewind.To, ref rewindGone))
                            {
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
    public void A_copy_that_holds_what_its_owner_never_wrote_ends_equal_and_that_is_kept()
    {
        var cases = Gen.Select(Cases, Gen.Int[1, 6], Gen.Bool);
        var rungs = new int[3]; // Back to a point, by digests, from nothing.
        cases.Sample(
            (c, foreign, mayCompare) =>
            {
                var (source, target) = Start(c.Past);
                if (Meeting.Of(source.History, target.History).Kind is not (MeetingKind.TargetBehind or MeetingKind.Equal) || target.Appended - target.Floor < 1)
                {
                    return;
                }

                // What its last writes hold is another's, under the owner's name and number.
                var never = Generation.New();
                for (var i = Math.Max(target.Floor, target.Appended - foreign); i < target.Appended; i++)
                {
                    target.Writes[(int)i] = (never, i + 1);
                }

                source.Write(1);
                var (lost, mode) = (target.Writes.Where(w => w.Generation == never).ToArray(), (CopyMode)c.Mode);
                var kept = new HashSet<(Generation, long)>();
                var (isChainKnown, isMarked, distrusted) = (true, false, new HashSet<PointId>());
                SequenceNumber? differsAt = null;
                SequenceNumber? rewindGone = null;
                ulong nextPoint = 1_000_000;

                // What the copy does before it refuses.
                void Mark()
                {
                    if (!isMarked)
                    {
                        target.TakePoint(nextPoint++);
                    }

                    isMarked = true;
                }

                for (var round = 0; round < 16; round++)
                {
                    var isOurs = source.Writes.Take((int)target.Appended).SequenceEqual(target.Writes);
                    var view = new SourceView(source.History, [.. source.Points], mode, null, rewindGone, distrusted, mayCompare, 0, source.Points.Count > 1 ? source.Points[0].Sequence : null, differsAt);
                    switch (ResumePlan.Next(view, Position(target)))
                    {
                        case SourceStep.Journal when !isOurs && isChainKnown:
                            differsAt.ShouldBeNull("it was tried and refused");
                            differsAt = new SequenceNumber(target.Appended);
                            Mark();
                            break;
                        case SourceStep.Journal journal:
                            target.CatchUp(source, journal.UntilPoint ? source.Points.Where(p => p.Sequence > journal.After).Select(p => p.Sequence.Value).DefaultIfEmpty(source.Appended).First() : source.Appended);
                            isChainKnown = true;
                            break;
                        case SourceStep.Rewind rewind:
                            if (!CanGoBack(source, target, rewind.To, ref rewindGone))
                            {
                                break;
                            }

                            kept.UnionWith(target.Writes); // The clone of the tail shows all that was there, with what lies below it.
                            target.RewindTo(rewind.To.Value);
                            (isChainKnown, isMarked, rungs[0]) = (false, false, rungs[0] + 1);
                            break;
                        case SourceStep.Delta delta:
                            TargetRules.MayBegin(source.History, target.History, [.. target.Points], delta.Base, delta.Target ?? new PointMark(default, new SequenceNumber(source.Appended))).ShouldBeTrue();
                            if (delta.Target is null)
                            {
                                source.TakePoint(nextPoint++);
                            }

                            if (delta is { Base: { } wrong, ByDigests: false } && !isOurs)
                            {
                                distrusted.Add(wrong.Id).ShouldBeTrue("a base that differed is not taken again");
                                Mark();
                                break;
                            }

                            // Kept by the point that the copy made when it refused; from nothing, as a clone.
                            kept.UnionWith(target.Writes.Where(_ => isMarked));
                            rungs[delta.Base is null ? 2 : 1]++;
                            target.Writes.Clear();
                            target.Writes.AddRange(source.Writes.Take((int)(delta.Target ?? source.Points[^1]).Sequence.Value));
                            target.Chain = [.. source.Chain.Where(g => g.After.Value < target.Appended)];
                            target.Points.Add(delta.Target ?? source.Points[^1]);
                            distrusted.Clear();
                            (differsAt, rewindGone, isChainKnown) = (null, null, true);
                            break;
                        case SourceStep.AwaitPoint:
                            source.Write(1);
                            source.TakePoint(nextPoint++);
                            break;
                        case SourceStep.Refuse refuse:
                            Assert.Fail($"{refuse.Reason}: source {string.Join(' ', source.Chain.Select(g => g.After))} at {source.Appended}, target {string.Join(' ', target.Chain.Select(g => g.After))} at {target.Appended}");
                            break;
                    }

                    if (target.Writes.SequenceEqual(source.Writes))
                    {
                        lost.All(kept.Contains).ShouldBeTrue("what only the copy had is kept");
                        return;
                    }
                }

                Assert.Fail($"no end in sight: source {source.Appended}, target {target.Appended}, mode {mode}");
            },
            iter: 10_000);
        rungs.ShouldAllBe(n => n > 20, "every rung was needed");
    }

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

    /// <summary>The copy goes back where its history reaches; where it does not, that is noted, and it is not asked for that again.</summary>
    private static bool CanGoBack(ModelCopy source, ModelCopy target, SequenceNumber to, ref SequenceNumber? gone)
    {
        TargetRules.MayRewind(source.History, target.History, to).ShouldBeTrue();
        if (to.Value >= target.Floor)
        {
            return true;
        }

        gone.ShouldBeNull("it is asked for once");
        gone = to;
        return false;
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
