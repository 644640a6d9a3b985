using Dr.Contracts.Errors;
using Dr.Contracts.Ids;
using Dr.Contracts.Mqtt;
using Dr.Edge.Replication;
using Dr.Edge.Volumes;

namespace Dr.Edge.Tests.Replication;

/// <summary>Two appliances with real stores over loopback; content is compared byte by byte at the end of each.</summary>
public sealed class TwoNodeTests : TwoNodeTest
{
    private const long Size = 16 << 20;
    private readonly Random _random = new(20261122);

    [Theory]
    [InlineData(CopyMode.Stream)]
    [InlineData(CopyMode.Sync)]
    [InlineData(CopyMode.Delta)]
    public async Task A_volume_appears_at_the_peer_with_the_same_content_and_points(CopyMode mode)
    {
        var volume = Production.Set.Create("dilas", Size);
        volume.WriteRandom(_random, 50);
        volume.Point("before the copy");
        volume.WriteRandom(_random, 50);
        await Production.Copies.AddAsync(volume, Backup.Address, mode, null, default);
        await SyncAsync(volume);

        volume.WriteRandom(_random, 100);
        var point = volume.Point("while it runs");
        volume.WriteRandom(_random, 20);
        volume.Point("last");
        await SyncAsync(volume);

        var copy = Backup.Set.Get("dilas");
        copy.Id.ShouldBe(volume.Id);
        copy.Role.ShouldBe(VolumeRole.Replica);
        copy.Epoch.ShouldBe(Epoch.First);
        copy.ShouldHoldTheSameAs(volume);
        copy.Points.ShouldBe(volume.Points.Where(p => copy.Points.Any(c => c.Id == p.Id)));
        copy.Points[^1].ShouldBe(volume.Points[^1]);
        if (mode != CopyMode.Delta)
        {
            copy.Points.ShouldContain(p => p.Id == point.Id);
        }

        foreach (var shared in copy.Points)
        {
            copy.ContentDigest(shared.Id).ShouldBe(volume.ContentDigest(shared.Id));
        }

        Should.Throw<BlockDeviceException>(() => copy.WriteAt(0, [1])).Error.ShouldBe(BlockError.NotPermitted);
    }

    [Fact]
    public async Task The_copy_knows_how_old_it_is()
    {
        var volume = await ProtectedAsync(CopyMode.Stream);
        var before = DateTimeOffset.UtcNow;

        await Node.Until(() => Backup.Set.Get("dilas").CurrentAsOf >= before, "the copy's age to move on while nothing is written");
        Copy(volume).ToStatus().LagSeconds.ShouldBe(0);
    }

    [Theory]
    [InlineData(CopyMode.Stream)]
    [InlineData(CopyMode.Sync)]
    [InlineData(CopyMode.Delta)]
    public async Task A_restart_of_either_side_costs_nothing(CopyMode mode)
    {
        var volume = await ProtectedAsync(mode);
        await Backup.CloseAsync();
        var writing = mode == CopyMode.Sync ? Task.CompletedTask : Task.Run(() => volume.WriteRandom(_random, 50));
        await writing;
        await Backup.OpenAsync();
        await SyncAsync(volume);
        Equal(volume);

        await Production.RestartAsync();
        volume = Production.Set.Get("dilas");
        volume.WriteRandom(_random, 50);
        volume.Point();
        await SyncAsync(volume);
        Equal(volume);
    }

    [Fact]
    public async Task An_unplanned_takeover_and_the_way_home_lose_nothing_that_was_copied_and_keep_the_tail()
    {
        var volume = await ProtectedAsync(CopyMode.Stream);
        var copied = volume.Appended;
        await Backup.CloseAsync();
        volume.WriteRandom(_random, 30);
        var tail = volume.Content();
        var backup = await TakeOverAsync(2);
        backup.WriteRandom(_random, 40);
        backup.Point("at the backup site");

        await Backup.Copies.AddAsync(backup, Production.Address, CopyMode.Stream, null, default);
        await SyncAsync(Backup, backup);

        volume.Role.ShouldBe(VolumeRole.Replica);
        volume.Epoch.ShouldBe(new Epoch(2));
        volume.ShouldHoldTheSameAs(backup);
        volume.Points[^1].ShouldBe(backup.Points[^1]);
        var kept = Production.Set.Volumes.Single(v => v.Origin is not null);
        kept.Origin!.Sequence.ShouldBe(copied);
        kept.ShouldHold(tail);

        var home = await MoveAsync(Backup, Production, 3);
        home.ShouldHoldTheSameAs(backup);
        home.WriteRandom(_random, 10);
        await Node.Until(() => Backup.Set.Get("dilas").Appended == home.Appended, "the copy at the backup site to follow again");
        backup.ShouldHoldTheSameAs(home);
    }

    [Fact]
    public async Task There_and_back_again_many_times_with_and_without_writes()
    {
        var volume = await ProtectedAsync(CopyMode.Stream);
        await Backup.Copies.AddAsync(await MoveAsync(Production, Backup, 2), Production.Address, CopyMode.Delta, null, default);
        var (from, to) = (Backup, Production);
        for (var epoch = 3; epoch < 9; epoch++)
        {
            var primary = from.Set.Get("dilas");
            if (epoch % 3 != 0)
            {
                primary.WriteRandom(_random, 15);
            }

            var content = primary.Content();
            var next = await MoveAsync(from, to, epoch);
            next.ShouldHold(content);
            (from, to) = (to, from);
        }

        Production.Set.Volumes.Count.ShouldBe(1, "a planned move leaves no tail");
        Backup.Set.Volumes.Count.ShouldBe(1);
        volume.Id.ShouldBe(from.Set.Get("dilas").Id);
    }

    [Fact]
    public async Task An_old_primary_that_comes_back_and_dials_learns_that_it_is_over()
    {
        var volume = await ProtectedAsync(CopyMode.Stream);
        await Production.CloseAsync();
        Backup.Set.Get("dilas").Promote(new Epoch(2));
        Backup.Set.Get("dilas").WriteRandom(_random, 5);

        await Production.OpenAsync();
        volume = Production.Set.Get("dilas");
        await Node.Until(() => volume.Role == VolumeRole.Demoted, "the old primary to step down", () => Copy(volume).ToStatus().ToString());

        volume.Epoch.ShouldBe(new Epoch(2));
        Should.Throw<BlockDeviceException>(() => volume.WriteAt(0, [1])).Error.ShouldBe(BlockError.NotPermitted);
    }

    [Fact]
    public async Task A_promotion_fences_the_stream_that_is_running()
    {
        var volume = await ProtectedAsync(CopyMode.Stream);
        var backup = Backup.Set.Get("dilas");
        Should.Throw<FencedException>(() => backup.Promote(volume.Epoch)); // Never two primaries at one epoch.
        backup.Promote(new Epoch(2));
        var content = backup.Content();
        try
        {
            volume.WriteRandom(_random, 5);
        }
        catch (BlockDeviceException exception) when (exception.Error == BlockError.NotPermitted)
        {
            // The fence came in the middle of the writes.
        }

        await Node.Until(() => volume.Role == VolumeRole.Demoted, "the old primary to learn of the promotion");
        backup.ShouldHold(content);
    }

    [Fact]
    public async Task A_synchronous_write_is_answered_only_when_the_copy_has_it_and_goes_on_when_the_copy_returns()
    {
        var volume = await ProtectedAsync(CopyMode.Sync);
        await Node.Until(() => Copy(volume).ToStatus().State == CopyState.Current, "the synchronous copy to be engaged", () => Copy(volume).ToStatus().ToString());
        var data = new byte[4096];
        for (var i = 0; i < 50; i++)
        {
            volume.WriteAt(i * 4096, data);
            Backup.Set.Get("dilas").Appended.ShouldBeGreaterThanOrEqualTo(volume.Appended);
        }

        await Backup.CloseAsync();
        var stalled = Task.Run(() => volume.WriteAt(0, [1, 2, 3]));
        (await Task.WhenAny(stalled, Task.Delay(500))).ShouldNotBe(stalled, "a write with the copy away");
        await Backup.OpenAsync();
        await stalled.WaitAsync(TimeSpan.FromSeconds(20));
        Equal(volume);
    }

    [Fact]
    public async Task A_stalled_write_ends_with_an_error_when_the_volume_loses_its_role()
    {
        var volume = await ProtectedAsync(CopyMode.Sync);
        await Node.Until(() => Copy(volume).ToStatus().State == CopyState.Current, "the synchronous copy to be engaged");
        await Backup.CloseAsync();
        var stalled = Task.Run(() => volume.WriteAt(0, [1]));
        (await Task.WhenAny(stalled, Task.Delay(300))).ShouldNotBe(stalled);

        volume.Demote(new Epoch(2));

        (await Should.ThrowAsync<BlockDeviceException>(() => stalled.WaitAsync(TimeSpan.FromSeconds(5)))).Error.ShouldBe(BlockError.Shutdown);
        await Backup.OpenAsync();
    }

    [Fact]
    public async Task A_copy_of_a_copy_is_refused()
    {
        await ProtectedAsync(CopyMode.Stream);

        await Should.ThrowAsync<DrException>(() => Backup.Copies.AddAsync(Backup.Set.Get("dilas"), Production.Address, CopyMode.Stream, null, default));
    }

    [Fact]
    public async Task A_removed_copy_stays_removed_after_a_restart_and_the_peer_keeps_its_content()
    {
        var volume = await ProtectedAsync(CopyMode.Stream);
        (await Production.Copies.RemoveAsync(volume, Backup.Address, default)).ShouldBeTrue();
        (await Production.Copies.RemoveAsync(volume, Backup.Address, default)).ShouldBeFalse();
        await Production.RestartAsync();

        Production.Copies.Of(Production.Set.Get("dilas")).ShouldBeEmpty();
        Backup.Set.Get("dilas").ShouldHoldTheSameAs(Production.Set.Get("dilas"));
    }

    [Fact]
    public async Task Another_volume_of_the_same_name_at_the_peer_is_never_touched()
    {
        var other = Backup.Set.Create("dilas", Size);
        other.WriteRandom(_random, 5);
        var content = other.Content();
        var volume = Production.Set.Create("dilas", Size);
        volume.WriteRandom(_random, 5);
        await Production.Copies.AddAsync(volume, Backup.Address, CopyMode.Stream, null, default);

        await Node.Until(() => Copy(volume).ToStatus().State == CopyState.Diverged, "the copy to be refused", () => Copy(volume).ToStatus().ToString());
        other.ShouldHold(content);
    }

    private async Task<Volume> ProtectedAsync(CopyMode mode)
    {
        var volume = Production.Set.Create("dilas", Size);
        volume.WriteRandom(_random, 60);
        volume.Point("first");
        await Production.Copies.AddAsync(volume, Backup.Address, mode, null, default);
        await SyncAsync(volume);
        return volume;
    }

    private async Task<Volume> TakeOverAsync(long epoch)
    {
        // The old site's line is cut: nobody tells it, and nothing of its tail arrives.
        foreach (var copy in Production.Copies.Of(Production.Set.Get("dilas")))
        {
            await Production.Copies.RemoveAsync(copy.Volume, copy.Settings.Peer, default);
        }

        await Backup.OpenAsync();
        var volume = Backup.Set.Get("dilas");
        volume.Promote(new Epoch(epoch));
        return volume;
    }

    /// <summary>A planned move as the commands do it: demote here, promote there, copy back.</summary>
    private static async Task<Volume> MoveAsync(Node from, Node to, long epoch)
    {
        var old = from.Set.Get("dilas");
        if (from.Copies.Of(old).Count == 0)
        {
            await from.Copies.AddAsync(old, to.Address, CopyMode.Stream, null, default);
        }

        await Node.Until(() => from.Copies.Of(old)[0].ToStatus().State == CopyState.Current, "the copy to be current", () => from.Copies.Of(old)[0].ToStatus().ToString());
        var (point, holders) = await from.Copies.DemoteAsync(old, new Epoch(epoch), default);
        holders.ShouldBe([to.Address], $"{from.Copies.Of(old)[0].ToStatus()}; there at epoch {to.Set.Get("dilas").Epoch}");
        var next = to.Set.Get("dilas");
        next.Points[^1].ShouldBe(point);
        next.Appended.ShouldBe(point.Sequence);
        next.ContentDigest(point.Id).ShouldBe(old.ContentDigest(point.Id));
        next.Promote(new Epoch(epoch));
        if (to.Copies.Of(next).Count == 0)
        {
            await to.Copies.AddAsync(next, from.Address, CopyMode.Stream, null, default);
        }

        return next;
    }

    private SourceCopy Copy(Volume volume) => Production.Copies.Of(volume).Single();

    private void Equal(Volume volume) => Backup.Set.Get("dilas").ShouldHoldTheSameAs(volume);
}
