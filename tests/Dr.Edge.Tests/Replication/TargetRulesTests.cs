using Dr.Contracts.Ids;
using Dr.Contracts.Mqtt;
using Dr.Contracts.Wire;
using Dr.Edge.Replication;

namespace Dr.Edge.Tests.Replication;

public class TargetRulesTests
{
    private static readonly Announce Offer = new(VolumeId.New(), "dilas", 1 << 20, CopyMode.Stream, SequenceNumber.Zero, [], []);

    [Fact]
    public void A_volume_that_is_not_here_is_made() => Ask(null, 1).ShouldBeOfType<TargetVerdict.Create>();

    [Fact]
    public void A_replica_follows_the_same_and_a_higher_epoch()
    {
        Ask(Copy(VolumeRole.Replica, 3), 3).ShouldBeOfType<TargetVerdict.Follow>();
        Ask(Copy(VolumeRole.Replica, 3), 4).ShouldBeOfType<TargetVerdict.Follow>();
    }

    [Theory]
    [InlineData(VolumeRole.Replica)]
    [InlineData(VolumeRole.Primary)]
    [InlineData(VolumeRole.Demoted)]
    public void A_lower_epoch_is_fenced_whatever_the_role(VolumeRole role) => Code(Ask(Copy(role, 3), 2)).ShouldBe(RefusalCode.Fenced);

    [Fact]
    public void A_primary_steps_down_for_a_higher_epoch() => Ask(Copy(VolumeRole.Primary, 3), 4).ShouldBeOfType<TargetVerdict.StepDown>();

    [Fact]
    public void Two_primaries_of_one_epoch_never_copy() => Code(Ask(Copy(VolumeRole.Primary, 3), 3)).ShouldBe(RefusalCode.Conflict);

    [Fact]
    public void A_demoted_copy_follows_the_owner_that_it_was_demoted_for() => Ask(Copy(VolumeRole.Demoted, 3), 3).ShouldBeOfType<TargetVerdict.Follow>();

    [Fact]
    public void A_name_that_another_volume_has_and_another_size_are_conflicts()
    {
        Code(TargetRules.OnAnnounce(null, Offer, Epoch.First, nameTakenByAnother: true, tellsSizes: true)).ShouldBe(RefusalCode.Conflict);
        Code(Ask(Copy(VolumeRole.Replica, 1) with { SizeBytes = 5 }, 1)).ShouldBe(RefusalCode.Conflict);
    }

    [Fact]
    public void A_rewind_below_what_both_share_is_refused_when_they_diverged()
    {
        var source = new ModelCopy();
        source.Write(10);
        var target = source.Clone();
        target.Write(5);
        source.BeginGeneration();
        source.Write(2);

        TargetRules.MayRewind(source.History, target.History, new SequenceNumber(10)).ShouldBeTrue();
        TargetRules.MayRewind(source.History, target.History, new SequenceNumber(9)).ShouldBeFalse();
        TargetRules.MayRewind(source.History, target.History, new SequenceNumber(11)).ShouldBeFalse();
    }

    [Fact]
    public void The_same_tail_always_gets_the_same_valid_name()
    {
        var generation = Generation.New();
        var name = TailName.For(new string('v', 64), generation, new SequenceNumber(1234567890123));

        name.ShouldBe(TailName.For(new string('v', 64), generation, new SequenceNumber(1234567890123)));
        Names.IsValid(name).ShouldBeTrue();
        TailName.For("dilas", generation, new SequenceNumber(7)).ShouldBe($"dilas-tail-{generation.Value[..8]}-7");
    }

    private static TargetVerdict Ask(TargetCopy? copy, long epoch) => TargetRules.OnAnnounce(copy, Offer, new Epoch(epoch), nameTakenByAnother: false, tellsSizes: false);

    private static TargetCopy Copy(VolumeRole role, long epoch) => new(role, new Epoch(epoch), Offer.SizeBytes, CopyHistory.Empty);

    private static RefusalCode Code(TargetVerdict verdict) => verdict.ShouldBeOfType<TargetVerdict.Refuse>().Code;
}
