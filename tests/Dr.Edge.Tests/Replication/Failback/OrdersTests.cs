using System.Buffers.Binary;
using Dr.Contracts.Errors;
using Dr.Contracts.Ids;
using Dr.Contracts.Mqtt;
using Dr.Edge.Replication;
using Dr.Edge.Volumes;

namespace Dr.Edge.Tests.Replication.Failback;

/// <summary>The control plane's orders to promote and to demote, twice, late, for an epoch that is over, and in the middle of everything that can be under way.</summary>
public sealed class OrdersTests : TwoNodeTest
{
    private const long Size = 4 << 20;
    private readonly Random _random = new(9);

    [Fact]
    public async Task An_order_that_comes_twice_is_done_once_and_one_that_is_over_is_fenced()
    {
        var (volume, copy) = await ProtectAsync(CopyMode.Stream);
        await Production.Copies.RemoveAsync(volume, Backup.Address, default);

        var first = await PromoteAsync(2);
        var generations = copy.Generations;
        var again = await PromoteAsync(2);

        again.Outcome.ShouldBe(CommandOutcome.Done);
        again.Evidence["generation"].ShouldBe(first.Evidence["generation"]);
        copy.Generations.ShouldBe(generations, "no second generation begins");
        await Should.ThrowAsync<FencedException>(() => PromoteAsync(1));
        (copy.Role, copy.Epoch).ShouldBe((VolumeRole.Primary, new Epoch(2)));

        // The next owner is another; then the old order comes once more.
        copy.WriteRandom(_random, 3);
        (await DemoteAsync(Backup, 3)).Outcome.ShouldBe(CommandOutcome.Done);
        var state = copy.State;
        await Should.ThrowAsync<FencedException>(() => PromoteAsync(2));
        await Should.ThrowAsync<FencedException>(() => DemoteAsync(Backup, 2));
        copy.State.ShouldBe(state);
        (await DemoteAsync(Backup, 3)).Evidence["point"].ShouldBe(copy.Points[^1].Id.Value, "a demotion that comes twice takes one final point");
        copy.Points.Count(p => p.Label == "final").ShouldBe(1);
    }

    [Fact]
    public async Task A_promotion_while_the_copy_catches_up_takes_a_beginning_of_the_past_and_ends_the_stream()
    {
        var (volume, copy) = await ProtectAsync(CopyMode.Stream);
        await Production.Copies.AddAsync(volume, Backup.Address, CopyMode.Stream, bandwidthMbps: 8, default);
        var before = copy.Appended;
        var writing = Task.Run(() => Try(() => volume.WriteRandom(_random, 400)));
        await Node.Until(() => copy.Appended.Value > before.Value + 10, "the copy to be in the middle of catching up");

        (await PromoteAsync(2)).Outcome.ShouldBe(CommandOutcome.Done);
        var (at, content) = (copy.Appended, copy.Content());

        await Node.Until(() => volume.Role == VolumeRole.Demoted, "the old primary to learn of it");
        await writing;
        copy.Appended.ShouldBe(at, "nothing of the old primary arrives any more");
        using var then = volume.OpenView(at.Value, DateTimeOffset.UtcNow, "compared");
        then.ShouldHold(content);
    }

    [Fact]
    public async Task A_promotion_at_the_moment_of_a_commit_finds_the_point_before_it_or_the_new_one_and_nothing_in_between()
    {
        var (took, missed) = (0, 0);
        for (var round = 0; round < 16; round++)
        {
            var source = Production.Set.Create($"s{round}", Size);
            source.WriteRandom(_random, 5);
            var copy = Backup.Set.CreateReplica(source.Id, source.Name, Size);
            var old = source.Point();
            using (var whole = Stage(source, copy, null, old))
            {
                whole.Commit(source.ContentDigest(old.Id), source.Generations);
            }

            source.WriteRandom(_random, 5);
            var point = source.Point();
            using var staging = Stage(source, copy, old, point);
            var digest = source.ContentDigest(point.Id);
            using var start = new Barrier(2);
            var commit = Task.Run(() =>
            {
                start.SignalAndWait();
                Thread.SpinWait(_random.Next(20_000));
                return Try(() => staging.Commit(digest, source.Generations));
            });
            start.SignalAndWait();
            Thread.SpinWait(round * 30_000);
            copy.Promote(new Epoch(2));
            var committed = await commit;

            (copy.Role, copy.Staged).ShouldBe((VolumeRole.Primary, null));
            var stands = committed ? point : old;
            copy.Appended.ShouldBe(stands.Sequence);
            copy.Points[^1].ShouldBe(stands);
            copy.ContentDigest(stands.Id).ShouldBe(source.ContentDigest(stands.Id));
            using var view = source.OpenView(stands.Id);
            copy.ShouldHold(view.Content());
            (took, missed) = committed ? (took + 1, missed) : (took, missed + 1);
        }

        TestContext.Current.TestOutputHelper!.WriteLine($"{took} commits before the promotion, {missed} after it");
    }

    [Theory]
    [InlineData(CopyMode.Stream)]
    [InlineData(CopyMode.Sync)]
    public async Task A_demotion_with_writes_in_flight_has_every_answered_write_in_its_final_point_on_both_sides(CopyMode mode)
    {
        var (volume, copy) = await ProtectAsync(mode);
        var answered = new int[4];
        var writers = Enumerable.Range(0, answered.Length).Select(writer => Task.Run(() =>
        {
            var block = new byte[4096];
            for (var number = 1; ; number++)
            {
                BinaryPrimitives.WriteInt32LittleEndian(block, number);
                if (!Try(() => volume.Write([new WriteExtent(writer * 4096, block.Length, ExtentKind.Data, block)], forceUnitAccess: false)))
                {
                    return;
                }

                Volatile.Write(ref answered[writer], number);
            }
        })).ToArray();
        await Node.Until(() => answered.All(n => Volatile.Read(in n) > 20), "writes to be under way");

        var done = await DemoteAsync(Production, 2);
        await Task.WhenAll(writers);

        done.Evidence["holders"].ShouldBe(Backup.Address);
        foreach (var side in new[] { volume, copy })
        {
            var final = side.Points[^1];
            final.Id.Value.ShouldBe(done.Evidence["point"]);
            Convert.ToHexStringLower(side.ContentDigest(final.Id)).ShouldBe(done.Evidence["digest"]);
            using var view = side.OpenView(final.Id);
            var block = new byte[4096];
            for (var writer = 0; writer < answered.Length; writer++)
            {
                view.Read(writer * 4096, block);
                BinaryPrimitives.ReadInt32LittleEndian(block).ShouldBeGreaterThanOrEqualTo(answered[writer], $"writer {writer}: what was answered is there");
            }
        }
    }

    private static StagingLayer Stage(Volume source, Volume copy, PointInfo? from, PointInfo to)
    {
        using var view = source.OpenView(to.Id);
        var staging = copy.OpenStaging(from?.Id, to);
        foreach (var range in source.ChangedBlocks(from?.Id, to.Id))
        {
            var data = new byte[range.Count * 4096];
            view.Read(range.First * 4096, data);
            staging.WriteBlocks(range.First, data);
        }

        staging.Flush(1);
        return staging;
    }

    private async Task<(Volume Volume, Volume Copy)> ProtectAsync(CopyMode mode)
    {
        var volume = Production.Set.Create("dilas", Size);
        volume.WriteRandom(_random, 20);
        await Production.Copies.AddAsync(volume, Backup.Address, mode, null, default);
        await SyncAsync(volume);
        await Node.Until(() => Production.Copies.Of(volume)[0].ToStatus().State == CopyState.Current, "the copy to be current");
        return (volume, Backup.Set.Get("dilas"));
    }

    private Task<CommandResult> PromoteAsync(long epoch) => OrderAsync(Backup, new PromoteVolume
    {
        Id = new CommandId($"p{Guid.NewGuid():N}"),
        IssuedAt = DateTimeOffset.UtcNow,
        Deadline = DateTimeOffset.UtcNow.AddMinutes(1),
        Epoch = new Epoch(epoch),
        Volume = "dilas",
    });

    private static Task<CommandResult> DemoteAsync(Node node, long epoch) => OrderAsync(node, new DemoteVolume
    {
        Id = new CommandId($"d{Guid.NewGuid():N}"),
        IssuedAt = DateTimeOffset.UtcNow,
        Deadline = DateTimeOffset.UtcNow.AddMinutes(1),
        Epoch = new Epoch(epoch),
        Volume = "dilas",
    });

    private static Task<CommandResult> OrderAsync(Node node, DeviceCommand command) =>
        new ApplianceCommandExecutor(node.Set, node.Copies, TimeProvider.System, quiesce: null).ExecuteAsync(command, _ => { }, CancellationToken.None);

    /// <summary>False when the volume's role had gone.</summary>
    private static bool Try(Action action)
    {
        try
        {
            action();
            return true;
        }
        catch (Exception exception) when (exception is BlockDeviceException or DrException)
        {
            return false;
        }
    }
}
