using CsCheck;
using Dr.Contracts.Ids;
using Dr.Edge.Replication;

namespace Dr.Edge.Tests.Replication;

public class MeetingProperties
{
    private static readonly Gen<int[]> Pasts = Gen.Int[0, 999].Array[0, 40];

    [Fact]
    public void The_shared_position_is_exactly_where_the_writes_stop_being_the_same() =>
        Pasts.Sample(
            steps =>
            {
                var copies = ModelWorld.Live(steps);
                foreach (var (source, target) in new[] { (copies[0], copies[1]), (copies[1], copies[0]) })
                {
                    var meeting = Meeting.Of(source.History, target.History);
                    var common = source.CommonWith(target);
                    if (meeting.Kind == MeetingKind.Unrelated)
                    {
                        (common == 0 || IsAgedOut(source, target, common)).ShouldBeTrue($"{common} is shared and still there");
                        source.Appended.ShouldBeGreaterThan(0);
                        target.Appended.ShouldBeGreaterThan(0);
                    }
                    else
                    {
                        meeting.Common.Value.ShouldBe(common);
                    }
                }
            },
            iter: 10_000);

    [Fact]
    public void The_kind_says_which_side_went_on() =>
        Pasts.Sample(
            steps =>
            {
                var copies = ModelWorld.Live(steps);
                var (source, target) = (copies[0], copies[1]);
                var common = source.CommonWith(target);
                var kind = Meeting.Of(source.History, target.History).Kind;
                if (kind == MeetingKind.Unrelated && IsAgedOut(source, target, common))
                {
                    return;
                }

                switch (source.Appended > common, target.Appended > common)
                {
                    case (false, false):
                        kind.ShouldBe(MeetingKind.Equal);
                        break;
                    case (true, false):
                        kind.ShouldBe(MeetingKind.TargetBehind);
                        break;
                    case (true, true):
                        kind.ShouldBeOneOf(MeetingKind.Diverged, MeetingKind.Unrelated);
                        break;
                    case (false, true):
                        // A source that began a new generation has left the line that the target went on with.
                        var left = source.Chain.Count > 0 && !target.Chain.Contains(source.Chain[^1]);
                        kind.ShouldBe(left ? MeetingKind.Diverged : MeetingKind.SourceBehind, $"source {source.Appended}, target {target.Appended}");
                        break;
                }
            },
            iter: 10_000);

    [Fact]
    public void A_stranger_is_never_taken_for_a_relative() =>
        Pasts.Sample(
            steps =>
            {
                var copies = ModelWorld.Live(steps);
                var kind = Meeting.Of(copies[0].History, copies[2].History).Kind;
                if (copies[0].Appended > 0 && copies[2].Appended > 0)
                {
                    kind.ShouldBe(MeetingKind.Unrelated);
                }
            },
            iter: 10_000);

    [Fact]
    public void Both_ends_work_out_the_same() =>
        Pasts.Sample(
            steps =>
            {
                var copies = ModelWorld.Live(steps);
                var one = Meeting.Of(copies[0].History, copies[1].History);
                var two = Meeting.Of(copies[1].History, copies[0].History);
                two.Common.ShouldBe(one.Common);
                (one.Kind, two.Kind).ShouldBeOneOf(
                    (MeetingKind.Equal, MeetingKind.Equal),
                    (MeetingKind.TargetBehind, MeetingKind.SourceBehind),
                    (MeetingKind.SourceBehind, MeetingKind.TargetBehind),
                    (MeetingKind.TargetBehind, MeetingKind.Diverged),
                    (MeetingKind.Diverged, MeetingKind.TargetBehind),
                    (MeetingKind.Diverged, MeetingKind.Diverged),
                    (MeetingKind.Unrelated, MeetingKind.Unrelated));
            },
            iter: 10_000);

    [Fact]
    public void A_history_that_cannot_be_is_unrelated_to_everything()
    {
        var generation = Generation.New();
        var good = new CopyHistory([new(generation, new SequenceNumber(0))], new SequenceNumber(5));
        var backwards = new CopyHistory([new(generation, new SequenceNumber(0)), new(Generation.New(), new SequenceNumber(9))], new SequenceNumber(5));
        var twice = new CopyHistory([new(generation, new SequenceNumber(0)), new(generation, new SequenceNumber(2))], new SequenceNumber(5));

        var returning = new CopyHistory([new(generation, new SequenceNumber(0)), new(Generation.New(), new SequenceNumber(4)), new(Generation.New(), new SequenceNumber(2))], new SequenceNumber(5));
        var nameless = new CopyHistory([], new SequenceNumber(5));

        Meeting.Of(good, backwards).Kind.ShouldBe(MeetingKind.Impossible);
        Meeting.Of(good, returning).Kind.ShouldBe(MeetingKind.Impossible, "positions only grow");
        Meeting.Of(nameless, good).Kind.ShouldBe(MeetingKind.Impossible, "what is written has a generation");
        Meeting.Of(twice, good).Kind.ShouldBe(MeetingKind.Impossible);
        Meeting.Of(good, good).ShouldBe(new Meeting(MeetingKind.Equal, new SequenceNumber(5)));
    }

    [Fact]
    public void A_generation_that_is_said_to_have_grown_from_two_positions_is_not_shared()
    {
        var (root, later) = (Generation.New(), Generation.New());
        var one = new CopyHistory([new(root, new SequenceNumber(0)), new(later, new SequenceNumber(3))], new SequenceNumber(9));
        var two = new CopyHistory([new(root, new SequenceNumber(0)), new(later, new SequenceNumber(4))], new SequenceNumber(9));

        Meeting.Of(one, two).ShouldBe(new Meeting(MeetingKind.Diverged, new SequenceNumber(3)));

        // Nor when it is the oldest that one of them remembers.
        var aged = new CopyHistory([new(later, new SequenceNumber(4))], new SequenceNumber(9));
        Meeting.Of(one, aged).Kind.ShouldBe(MeetingKind.Unrelated);
        Meeting.Of(aged, one).Kind.ShouldBe(MeetingKind.Unrelated);
    }

    // One of the two no longer has the position: it can neither say which generation wrote it nor go back to it.
    private static bool IsAgedOut(ModelCopy source, ModelCopy target, long common) => common < Math.Max(source.Floor, target.Floor);
}
