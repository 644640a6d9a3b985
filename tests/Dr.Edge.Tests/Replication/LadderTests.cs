using Dr.Contracts.Ids;
using Dr.Contracts.Mqtt;
using Dr.Edge.Replication;
using Dr.Edge.Volumes;
using Dr.Edge.Volumes.Retention;

namespace Dr.Edge.Tests.Replication;

/// <summary>The steps below "go on where it was": each leaves the last good content in place until the new one is proven, and makes a clone only of what would be lost.</summary>
public sealed class LadderTests : TwoNodeTest
{
    private const long Size = 4 << 20;
    private readonly Random _random = new(5);

    [Fact]
    public void A_copy_that_stands_beyond_the_base_of_a_delta_keeps_its_content_until_the_delta_is_whole()
    {
        var (source, copy) = (Production.Set.Create("v", Size), Backup.Set.CreateReplica(VolumeId.New(), "v", Size));
        source.WriteRandom(_random, 10);
        var first = source.Point("first");
        Deliver(source, copy, null, first, beyond: false);
        source.WriteAt(8192, Enumerable.Repeat((byte)7, 4096).ToArray());
        source.WriteAt(40960, new byte[4096]);
        var between = source.Point("between");
        Deliver(source, copy, first, between, beyond: false);

        // Back to what the first point had, beside other changes.
        using (var then = source.OpenView(first.Id))
        {
            var old = new byte[4096];
            then.Read(8192, old);
            source.WriteAt(8192, old);
        }

        source.WriteRandom(_random, 3);
        var last = source.Point("last");
        var before = copy.Content();
        var staging = Stage(source, copy, first, last, beyond: true);
        copy.ShouldHold(before);
        staging.Commit(source.ContentDigest(last.Id), source.Generations);
        staging.Dispose();

        copy.ShouldHoldTheSameAs(source);
        copy.ContentDigest(between.Id).ShouldBe(source.ContentDigest(between.Id), "the points in between stay");
    }

    [Fact]
    public void A_copy_told_to_go_back_into_a_received_delta_goes_to_the_point_before_it_and_keeps_the_rest()
    {
        var (source, copy) = (Production.Set.Create("v", Size), Backup.Set.CreateReplica(VolumeId.New(), "v", Size));
        source.WriteRandom(_random, 10);
        var first = source.Point("first");
        Deliver(source, copy, null, first, beyond: false);
        var then = copy.Content();
        source.WriteRandom(_random, 10);
        var second = source.Point("second");
        Deliver(source, copy, first, second, beyond: false);
        var now = copy.Content();

        copy.RewindTo(new SequenceNumber(second.Sequence.Value - 3), "tail");

        copy.Appended.ShouldBe(first.Sequence);
        copy.ShouldHold(then);
        Backup.Set.Get("tail").ShouldHold(now);
    }

    [Fact]
    public async Task A_tail_clone_that_a_death_left_half_made_is_made_again()
    {
        var copy = Backup.Set.Create("v", Size);
        copy.WriteRandom(_random, 20);
        var common = copy.Appended;
        var then = copy.Content();
        copy.WriteRandom(_random, 20);
        var now = copy.Content();
        copy.SeeEpoch(new Epoch(2));
        copy.BecomeReplica(new Epoch(2));
        var half = Backup.Set.CreateClone(copy, common.Value, null, DateTimeOffset.UtcNow, "tail", copy.SizeBytes);
        half.WriteRandom(_random, 3);
        await Backup.RestartAsync();
        copy = Backup.Set.Get("v");

        await Task.Run(() => copy.RewindTo(common, "tail")).WaitAsync(TimeSpan.FromSeconds(20));

        copy.ShouldHold(then);
        Backup.Set.Get("tail").ShouldHold(now);
    }

    [Fact]
    public async Task A_copy_that_differs_is_found_by_its_digest_and_made_whole_again_also_after_a_restart()
    {
        var source = Production.Set.Create("dilas", Size);
        source.WriteRandom(_random, 20);
        source.Point("first");
        await Production.Copies.AddAsync(source, Backup.Address, CopyMode.Stream, null, default);
        await SyncAsync(source);

        // A point that both list and that is not the same: what a fault in either store would make.
        var copy = Backup.Set.Get("dilas");
        await Production.Copies.RemoveAsync(source, Backup.Address, default);
        source.WriteRandom(_random, 20);
        var wrong = source.Point("second");
        var staging = Stage(source, copy, source.Points[^2], wrong, beyond: false);
        staging.WriteBlocks(100, Enumerable.Repeat((byte)0xEE, 4096).ToArray());
        staging.Commit(staging.Digest(), source.Generations);
        staging.Dispose();
        source.WriteRandom(_random, 5);

        await Production.Copies.AddAsync(source, Backup.Address, CopyMode.Delta, null, default);
        await Node.Until(() => source.Points.Count > 0 && Production.Copies.Of(source)[0].ToStatus() is { State: CopyState.Current }, "the first step");
        source.WriteRandom(_random, 5);
        source.Point("third");
        await Node.Until(() => File.ReadAllText(Path.Combine(source.DirectoryPath, "copies.json")).Contains(wrong.Id.Value, StringComparison.Ordinal) || copy.Points.Any(p => p.Label == "third"), "the difference to be noted");
        await Production.RestartAsync();
        source = Production.Set.Get("dilas");
        await SyncAsync(source);

        Backup.Set.Get("dilas").ShouldHoldTheSameAs(source);
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task A_copy_whose_last_write_is_not_the_owners_is_made_equal_without_a_new_first_copy_and_keeps_what_it_had(bool onlyPointIsThere)
    {
        var source = Production.Set.Create("dilas", Size);
        source.WriteAt(0, _random.GetItems(Enumerable.Range(0, 256).Select(i => (byte)i).ToArray(), 2 << 20));
        source.Point("below");
        await Production.Copies.AddAsync(source, Backup.Address, CopyMode.Stream, null, default);
        await SyncAsync(source);
        await Production.Copies.RemoveAsync(source, Backup.Address, default);
        var copy = Backup.Set.Get("dilas");
        if (onlyPointIsThere)
        {
            source.DeletePoint(source.Points.ShouldHaveSingleItem().Id);
            copy.DeletePoint(copy.Points.ShouldHaveSingleItem().Id);
        }

        source.WriteAt(1 << 20, Enumerable.Repeat((byte)7, 4096).ToArray());
        ForeignBatch.AppendTo(copy, source);
        if (onlyPointIsThere)
        {
            copy.SealReplica(source.Point("both call it so"));
        }

        var held = copy.Content();
        var at = copy.Appended;
        source.Appended.ShouldBe(at);
        source.WriteAt(3 << 20, Enumerable.Repeat((byte)8, 4096).ToArray());

        await Production.Copies.AddAsync(source, Backup.Address, CopyMode.Stream, null, default);
        await SyncAsync(source);

        copy.ShouldHoldTheSameAs(source);
        var status = Production.Copies.Of(source)[0].ToStatus();
        status.WireBytes.ShouldBeLessThan(64 * 1024, "what both have is not sent again");
        Production.Copies.Of(source)[0].DiffersAt.ShouldBeNull("it was proven");
        if (onlyPointIsThere)
        {
            using var then = copy.OpenView(copy.Points.Single(p => p.Label == PointKinds.DiffersLabel).Id);
            then.ShouldHold(held);
        }
        else
        {
            Backup.Set.Get(TailName.For("dilas", copy.Generations[^1].Generation, at)).ShouldHold(held);
        }
    }

    private static void Deliver(Volume source, Volume copy, PointInfo? from, PointInfo to, bool beyond)
    {
        using var staging = Stage(source, copy, from, to, beyond);
        staging.Commit(source.ContentDigest(to.Id), source.Generations);
    }

    // What a source sends: blocks that changed, and when the copy stands beyond the base also those that changed back.
    private static StagingLayer Stage(Volume source, Volume copy, PointInfo? from, PointInfo to, bool beyond)
    {
        using var view = source.OpenView(to.Id);
        using var older = from is null ? null : source.OpenView(from.Id);
        var staging = copy.OpenStaging(from?.Id, to);
        var (was, now) = (new byte[4096], new byte[4096]);
        foreach (var range in source.ChangedBlocks(from?.Id, to.Id))
        {
            for (var block = range.First; block < range.First + range.Count; block++)
            {
                older?.Read(block * 4096, was);
                view.Read(block * 4096, now);
                if (beyond || from is null || !was.AsSpan().SequenceEqual(now))
                {
                    staging.WriteBlocks(block, now);
                }
            }
        }

        staging.Flush(1);
        return staging;
    }
}
