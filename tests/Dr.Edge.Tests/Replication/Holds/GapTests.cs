using Dr.Contracts.Ids;
using Dr.Contracts.Mqtt;
using Dr.Crash.Child.Copying;
using Dr.Edge.Replication;
using Dr.Edge.Replication.Holds;
using Dr.Edge.Volumes;

namespace Dr.Edge.Tests.Replication.Holds;

/// <summary>A copy that is away for longer than its budget, on real stores: what is kept, what is given up and noted, and how the copy comes home on each rung of the ladder.</summary>
public sealed class GapTests : TwoNodeTest
{
    private const long Size = 48 << 20;
    private readonly Random _random = new(20);

    [Fact]
    public async Task Within_the_budget_the_copy_comes_home_by_the_log_and_nothing_is_a_gap()
    {
        var volume = await ProtectedAsync(8 << 20);
        await Backup.CloseAsync();
        volume.WriteRandom(_random, 60);
        Copy.Holds.Review();
        Copy.Holds.Level.ShouldBe(HoldLevel.Journal);
        Copy.ToStatus().HeldBytes.ShouldBeGreaterThan(100_000);

        await HomeAsync();
        Copy.Holds.Gaps.ShouldBeEmpty();
    }

    [Fact]
    public async Task Past_the_budget_a_gap_is_on_the_disk_and_shown_until_the_copy_has_passed_it()
    {
        var volume = await ProtectedAsync(1 << 20);
        var had = volume.Appended;
        await Backup.CloseAsync();
        volume.WriteRandom(_random, 300);
        Copy.Holds.Review();

        var gap = Copy.ToStatus().Gaps.ShouldHaveSingleItem();
        gap.After.ShouldBe(had);
        gap.ClosedAt.ShouldBeNull();
        gap.Reason.ShouldContain("budget of 1 MiB");
        CopyFile.Read(volume.DirectoryPath).Single().Gaps.ShouldHaveSingleItem().After.ShouldBe(had);
        Copy.Holds.Level.ShouldNotBe(HoldLevel.Journal);

        await Production.RestartAsync();
        volume = Production.Set.Get("dilas");
        Copy.ToStatus().Gaps.ShouldHaveSingleItem().After.ShouldBe(had);
        Copy.Holds.Level.ShouldNotBe(HoldLevel.Journal, "what was given up does not come back with a restart");

        await HomeAsync();
        await Node.Until(() => Review().Gaps[^1].ClosedAt is not null, "the gap to be closed", () => Copy.ToStatus().ToString());
        Copy.Holds.Level.ShouldBe(HoldLevel.Journal);
        CopyFile.Read(Production.Set.Get("dilas").DirectoryPath).Single().Gaps.ShouldHaveSingleItem().ClosedAt.ShouldNotBeNull();
    }

    [Fact]
    public async Task What_is_held_for_a_copy_that_is_away_is_still_there_after_a_stop_and_a_start()
    {
        var volume = await ProtectedAsync(1 << 20);
        await Backup.CloseAsync();
        volume.WriteRandom(_random, 800);
        Copy.Holds.Review();
        Copy.Holds.Level.ShouldBe(HoldLevel.Map);
        var held = volume.Appended.Value;
        Production.Lull = TimeSpan.FromMilliseconds(200);
        for (var restart = 0; restart < 3; restart++)
        {
            volume.WriteRandom(_random, 5);
            volume.Point();
            Production.Clock.Offset += TimeSpan.FromDays(2);
            volume.Point("later");
            foreach (var point in volume.Points.SkipLast(1).ToArray())
            {
                volume.DeletePoint(point.Id);
            }

            await Production.Set.Maintenance.DrainAsync();
            await Production.RestartAsync();
            volume = Production.Set.Get("dilas");
            await Production.Set.Maintenance.DrainAsync();
            volume.State.BaseSequence.ShouldBeLessThanOrEqualTo(held, "what comes after it is needed for the copy");
        }

        await HomeAsync();
        Copy.IsComparing.ShouldBeFalse("the map and what came after it are enough");
    }

    [Fact]
    public async Task A_long_outage_sends_each_block_once_from_the_last_common_point()
    {
        var volume = await ProtectedAsync(4 << 20);
        await Backup.CloseAsync();
        var data = new byte[1 << 20];
        for (var i = 0; i < 20; i++)
        {
            _random.NextBytes(data);
            volume.WriteAt(0, data);
        }

        var before = Copy.ToStatus().ChangedBytes;
        await HomeAsync();
        (Copy.ToStatus().ChangedBytes - before).ShouldBeInRange(1 << 20, 2 << 20, "20 MiB were written over 1 MiB");
    }

    [Theory]
    [InlineData(0, true)]
    [InlineData(20, true)]
    [InlineData(0, false)]
    [InlineData(20, false)]
    public async Task With_log_and_common_point_gone_what_the_map_says_is_sent_and_without_a_map_what_differs_by_digest(int writesBeyondThePoint, bool damaged)
    {
        var volume = await ProtectedAsync(1 << 20);
        volume.WriteRandom(_random, writesBeyondThePoint);
        await SyncAsync();
        var then = volume.Content();
        await Backup.CloseAsync();
        volume.WriteRandom(_random, 800);
        Copy.Holds.Review();
        Copy.Holds.Level.ShouldBe(HoldLevel.Map);
        Production.Clock.Offset = TimeSpan.FromDays(400);
        volume.Point("much later");
        foreach (var point in volume.Points.SkipLast(1).ToArray())
        {
            volume.DeletePoint(point.Id);
        }

        volume.WriteRandom(_random, 10);
        await Node.Until(() => volume.AdvanceBase() >= 0 && volume.Points[0].Sequence.Value <= volume.State.BaseSequence, "the history to give way", () => $"base at {volume.State.BaseSequence}, holds {string.Join(',', volume.Holders)}");

        var file = Directory.GetFiles(volume.DirectoryPath, "changes-*.map").ShouldHaveSingleItem();
        if (damaged)
        {
            var map = File.ReadAllBytes(file);
            map[70] ^= 1;
            File.WriteAllBytes(file, map);
        }
        else
        {
            // What was noted is used by the next process too.
            await Production.RestartAsync();
            volume = Production.Set.Get("dilas");
        }

        var before = Copy.ToStatus().ChangedBytes;
        await HomeAsync();
        var now = volume.Content();
        var differing = then.Chunk(4096).Zip(now.Chunk(4096)).Count(pair => !pair.First.AsSpan().SequenceEqual(pair.Second)) * 4096L;
        (Copy.ToStatus().ChangedBytes - before).ShouldBeInRange(differing, differing + (writesBeyondThePoint * (96 << 10)) + (damaged ? 0 : differing / 4), "what is equal at the peer's own point stays, but for what was written with what it held; what was written after it is sent");
        await Node.Until(() => Review().Gaps[^1].ClosedAt is not null, "the gap to be closed");
        File.Exists(file).ShouldBeFalse("a map that has served");
        Copy.IsComparing.ShouldBe(damaged, "with a map nothing is compared");
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task A_disk_that_is_full_while_the_map_is_written_costs_the_map_and_nothing_else(bool hadOne)
    {
        var disk = new FullDisk { Only = path => path.Contains(".map", StringComparison.Ordinal) };
        Production.Faults = disk;
        await Production.RestartAsync();
        var volume = await ProtectedAsync(1 << 20);
        await Backup.CloseAsync();
        volume.WriteRandom(_random, 800);
        disk.IsFull = !hadOne;
        Copy.Holds.Review();
        if (hadOne)
        {
            Copy.Holds.Level.ShouldBe(HoldLevel.Map);
            volume.WriteRandom(_random, 400);
            disk.IsFull = true;
            Copy.Holds.Review();
        }

        disk.Refused.ShouldBeGreaterThan(0);
        Copy.Holds.Level.ShouldBe(HoldLevel.Nothing, "production goes first");
        Directory.GetFiles(volume.DirectoryPath, "changes-*").ShouldBeEmpty("a full disk gets back what was written of it");
        volume.WriteRandom(_random, 20);
        disk.IsFull = false;
        await Production.RestartAsync();
        Production.Set.Damaged.ShouldBeEmpty();
        await HomeAsync();
        await Node.Until(() => Review().Gaps[^1].ClosedAt is not null, "the gap to be closed");
    }

    [Fact]
    public async Task A_copy_does_not_age_while_it_is_behind_or_alone_and_does_when_it_keeps_up()
    {
        await ProtectedAsync(1 << 20);
        await Node.Until(() => Backup.Set.Get("dilas").AgingFrozen is null, "a copy that keeps up to be free to age");
        Production.Set.Get("dilas").AgingFrozen.ShouldBeNull("a primary ages by its own policy");

        await Production.CloseAsync();
        await Node.Until(() => Backup.Set.Get("dilas").AgingFrozen is not null, "a copy without its primary to keep what it has");
        var copy = Backup.Set.Get("dilas");
        Backup.Clock.Offset = TimeSpan.FromDays(400);
        copy.ApplyRetention().ShouldBeEmpty();
        copy.AdvanceBase().ShouldBe(0);
        copy.Promote(new Epoch(2));
        copy.AgingFrozen.ShouldBeNull();
        Backup.Clock.Offset = TimeSpan.Zero;
        await Production.OpenAsync();
    }

    private SourceCopy Copy => Production.Copies.Of(Production.Set.Get("dilas")).Single();

    private CopyStatus Review()
    {
        Copy.Holds.Review();
        return Copy.ToStatus();
    }

    private async Task<Volume> ProtectedAsync(long budget)
    {
        var volume = Production.Set.Create("dilas", Size);
        volume.WriteRandom(_random, 200);
        volume.Point("first");
        await Production.Copies.AddAsync(volume, Backup.Address, s => s with { Mode = CopyMode.Stream, HoldBudgetBytes = budget }, default);
        await SyncAsync();
        await Node.Until(() => Copy.ToStatus().State == CopyState.Current, "the copy to be current");
        return volume;
    }

    private async Task HomeAsync()
    {
        await Backup.OpenAsync();
        await SyncAsync();
        Backup.Set.Get("dilas").ShouldHoldTheSameAs(Production.Set.Get("dilas"));
        Backup.Set.Volumes.Count.ShouldBe(1, "nothing diverged, so no tail is kept");
    }

    private Task SyncAsync() => SyncAsync(Production.Set.Get("dilas"));
}
