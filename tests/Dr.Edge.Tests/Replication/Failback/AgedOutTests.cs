using Dr.Contracts.Ids;
using Dr.Contracts.Mqtt;
using Dr.Edge.Replication;
using Dr.Edge.Volumes;
using Dr.Edge.Volumes.Disk;
using Dr.Edge.Volumes.Format;

namespace Dr.Edge.Tests.Replication.Failback;

/// <summary>Copies that parted so long ago that where they parted is no longer there: they find together by themselves, and nothing that only one of them has is lost.</summary>
public sealed class AgedOutTests : TwoNodeTest
{
    private const long Size = 8 << 20;
    private readonly Random _random = new(52);

    [Theory]
    [InlineData(CopyMode.Stream)]
    [InlineData(CopyMode.Delta)]
    public async Task A_diverged_copy_whose_common_position_has_aged_out_keeps_all_it_has_and_gets_everything(CopyMode mode)
    {
        var (old, owner) = await PartAsync();
        var tail = old.Content();
        var points = old.Points.Count;
        Age(Production, old);
        old.State.BaseSequence.ShouldBeGreaterThan(owner.Generations[^1].After.Value, "where the two parted has aged out");

        await Backup.Copies.AddAsync(owner, Production.Address, mode, null, default);
        await SyncAsync(Backup, owner);

        old.Role.ShouldBe(VolumeRole.Replica);
        old.ShouldHoldTheSameAs(owner);
        Tail().ShouldHold(tail);
        await Production.RestartAsync();
        Production.Set.Damaged.ShouldBeEmpty();
        Production.Set.Get("dilas").ShouldHoldTheSameAs(owner);
        Tail().ShouldHold(tail);
        points.ShouldBeGreaterThan(0);
    }

    [Fact]
    public async Task Copies_of_which_one_has_forgotten_its_oldest_generations_are_still_relatives()
    {
        var (old, owner) = await PartAsync();
        await Backup.Copies.AddAsync(owner, Production.Address, CopyMode.Stream, null, default);
        await SyncAsync(Backup, owner);
        await Backup.Copies.RemoveAsync(owner, Production.Address, default);
        owner.WriteRandom(_random, 5);
        Age(Backup, owner);
        owner.Generations.Count.ShouldBe(1, "the owner has forgotten the generation before its own");
        old.Generations.Count.ShouldBe(2);
        var clones = Production.Set.Volumes.Count;

        await Backup.Copies.AddAsync(owner, Production.Address, CopyMode.Stream, null, default);
        await SyncAsync(Backup, owner);

        old.ShouldHoldTheSameAs(owner);
        Production.Set.Volumes.Count.ShouldBe(clones, "one is a beginning of the other: nothing is kept aside");
    }

    [Fact]
    public async Task Two_copies_that_share_no_position_at_all_follow_the_owner_by_epoch_and_keep_what_was_here()
    {
        var here = Production.Set.Create("dilas", Size);
        here.WriteRandom(_random, 20);
        var content = here.Content();
        var owner = Backup.Set.CreateReplica(here.Id, "dilas", Size);
        owner.NoteCurrentAsOf(DateTimeOffset.UtcNow); // Empty, and up to date when it was told so.
        owner.Promote(new Epoch(2));
        owner.WriteRandom(_random, 20);

        await Backup.Copies.AddAsync(owner, Production.Address, CopyMode.Stream, null, default);
        await SyncAsync(Backup, owner);

        here.ShouldHoldTheSameAs(owner);
        Tail().ShouldHold(content);
    }

    [Fact]
    public async Task A_full_copy_takes_nothing_from_the_clones_that_stand_on_what_it_replaces()
    {
        var source = Production.Set.Create("v", Size);
        source.WriteRandom(_random, 20);
        var copy = Backup.Set.CreateReplica(source.Id, "v", Size);
        Deliver(source, copy);
        var clone = Backup.Set.CreateClone(copy, copy.Points[^1].Id, "drill");
        clone.WriteRandom(_random, 10);
        var point = clone.Point("in the drill");
        var (then, digest) = (clone.Content(), clone.ContentDigest(point.Id));
        clone.WriteRandom(_random, 10);
        var now = clone.Content();
        using var open = copy.OpenView(copy.Points[^1].Id);
        var seen = open.Content();
        source.Write([new WriteExtent(0, Size, ExtentKind.Zero, default)], forceUnitAccess: false);
        source.WriteRandom(_random, 30);

        Deliver(source, copy);
        Backup.Clock.Offset = TimeSpan.FromDays(400);
        copy.SetMayAge(true);
        copy.AdvanceBase();

        copy.ShouldHoldTheSameAs(source);
        open.ShouldHold(seen);
        for (var restart = 0; restart < 2; restart++)
        {
            clone.ShouldHold(now);
            clone.ContentDigest(point.Id).ShouldBe(digest);
            using (var view = clone.OpenView(point.Id))
            {
                view.ShouldHold(then);
            }

            new Verifier(clone, (_, _) => { }, CancellationToken.None).Run(null, null).Bad.ShouldBeEmpty();
            open.Dispose();
            await Backup.RestartAsync();
            Backup.Set.Damaged.ShouldBeEmpty();
            clone = Backup.Set.Get("drill");
        }

        clone.WriteRandom(_random, 5);
        Backup.Set.Get("v").ShouldHoldTheSameAs(source);
    }

    [Fact]
    public async Task A_target_stream_that_ends_for_a_passing_reason_says_so_and_the_copy_goes_on()
    {
        // A clone that is made at the very moment of the commit is such a reason.
        var source = Production.Set.Create("v", Size);
        source.WriteRandom(_random, 20);
        var copy = Backup.Set.CreateReplica(source.Id, "v", Size);
        var hold = copy.HoldForClone(copy.Appended, "a clone that is being made");
        await Production.Copies.AddAsync(source, Backup.Address, CopyMode.Stream, null, default);
        var status = () => Production.Copies.Of(source)[0].ToStatus();
        await Node.Until(() => status() is { State: CopyState.Connecting, Detail: { } why } && why.Contains("still stands on it", StringComparison.Ordinal), "the source to be told", () => status().ToString());

        hold.Dispose();
        await SyncAsync(source);
        copy.ShouldHoldTheSameAs(source);
    }

    private static void Deliver(Volume source, Volume copy)
    {
        var to = source.Point();
        using var view = source.OpenView(to.Id);
        using var staging = copy.OpenStaging(null, to);
        foreach (var range in source.ChangedBlocks(null, to.Id))
        {
            var data = new byte[range.Count * StoreLimits.BlockBytes];
            view.Read(range.First * StoreLimits.BlockBytes, data);
            staging.WriteBlocks(range.First, data);
        }

        staging.Commit(source.ContentDigest(to.Id), source.Generations);
    }

    /// <summary>Production goes on alone while backup takes over at epoch 2.</summary>
    private async Task<(Volume Old, Volume Owner)> PartAsync()
    {
        var old = Production.Set.Create("dilas", Size);
        old.WriteRandom(_random, 30);
        old.Point("together");
        await Production.Copies.AddAsync(old, Backup.Address, CopyMode.Stream, null, default);
        await SyncAsync(old);
        await Production.Copies.RemoveAsync(old, Backup.Address, default);
        old.WriteRandom(_random, 30);
        var owner = Backup.Set.Get("dilas");
        owner.Promote(new Epoch(2));
        owner.WriteRandom(_random, 30);
        owner.Point("at the new owner");
        return (old, owner);
    }

    /// <summary>Everything before a new point goes into the base.</summary>
    private static void Age(Node node, Volume volume)
    {
        node.Clock.Offset = TimeSpan.FromDays(400);
        volume.Point("much later");
        foreach (var point in volume.Points.SkipLast(1).ToArray())
        {
            volume.DeletePoint(point.Id);
        }

        while (volume.State.BaseSequence < volume.Points[0].Sequence.Value)
        {
            volume.AdvanceBase();
        }
    }

    private Volume Tail() => Production.Set.Volumes.Single(v => v.Origin is not null);
}
