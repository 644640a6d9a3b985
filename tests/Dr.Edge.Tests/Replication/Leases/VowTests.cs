using Dr.Contracts.Errors;
using Dr.Contracts.Ids;
using Dr.Contracts.Mqtt;
using Dr.Edge.Host;
using Dr.Edge.Hosting;
using Dr.Edge.Link;
using Dr.Edge.Replication;
using Dr.Edge.Replication.Leases;
using Dr.Edge.Replication.Mirror;
using Dr.Edge.Volumes;
using Microsoft.Extensions.Logging.Abstractions;

namespace Dr.Edge.Tests.Replication.Leases;

/// <summary>Serving by the promise of the copies.</summary>
public sealed class VowTests : TwoNodeTest
{
    private static readonly Epoch Next = new(2);

    [Fact]
    public async Task A_copy_that_has_promised_is_not_promoted_before_also_after_a_restart_and_the_primary_stops_first()
    {
        var (volume, copy) = await PairAsync();
        var source = Production.Copies.Of(volume).Single();
        source.Vows.Want(TimeSpan.FromSeconds(3));
        await Node.Until(() => source.Vows.Until > TimeProvider.System.GetTimestamp(), "the copy's promise");

        var refusal = Should.Throw<DrException>(() => Promotion.Run(copy, Next, onlyIfWhole: false, Backup.Clock));

        refusal.Message.ShouldContain("promised its primary not to be promoted before");
        refusal.IsTransient.ShouldBeTrue();
        (copy.Role, copy.Epoch).ShouldBe((VolumeRole.Replica, Next));
        await Node.Until(() => volume.Role == VolumeRole.Demoted, "the primary to learn of the next epoch");
        var until = source.Vows.Until;
        await Backup.RestartAsync();
        copy = Backup.Set.Get("dilas");
        Should.Throw<DrException>(() => Promotion.Run(copy, Next, onlyIfWhole: false, Backup.Clock)).Message.ShouldContain("promised");
        await Node.Until(() => Vow.Left(copy, Backup.Clock) == TimeSpan.Zero, "the promise to end");
        Promotion.Run(copy, Next, onlyIfWhole: false, Backup.Clock);
        copy.Role.ShouldBe(VolumeRole.Primary);
        TimeProvider.System.GetTimestamp().ShouldBeGreaterThan(until, "the primary counts from before it asked, the copy from after it was asked");
    }

    [Fact]
    public async Task The_gate_opens_by_the_promise_of_every_copy_and_of_none_less()
    {
        var (volume, _) = await PairAsync();
        volume.Gate.RequireLease();
        using var service = Service(Production);
        await Node.Until(
            () =>
            {
                service.Extend(new SystemId("dilas"), volume);
                return volume.Gate.IsOpen;
            },
            "the gate to open by the copy's promise");

        // A second copy that does not answer: nobody knows whether somebody has promoted it.
        await Production.Copies.AddAsync(volume, "127.0.0.1:1", CopyMode.Stream, null, default);
        var before = volume.Gate.LeaseDeadline;
        for (var n = 0; n < 20; n++)
        {
            service.Extend(new SystemId("dilas"), volume);
            await Task.Delay(50);
        }

        volume.Gate.LeaseDeadline.ShouldBe(before);
    }

    [Fact]
    public async Task A_primary_that_was_overtaken_while_it_ran_comes_back_as_a_copy_although_nobody_flushed_its_last_writes()
    {
        var (volume, copy) = await PairAsync();
        volume.WriteAt(4096, [2]);
        await SyncAsync(volume);
        await Production.Copies.RemoveAsync(volume, Backup.Address, default);
        volume.WriteAt(8192, [3]);
        Promotion.Run(copy, Next, onlyIfWhole: false, Backup.Clock);
        copy.WriteAt(0, [4]);

        await Backup.Copies.AddAsync(copy, Production.Address, CopyMode.Stream, null, default);

        await SyncAsync(Backup, copy);
        volume.Role.ShouldBe(VolumeRole.Replica);
        volume.ShouldHoldTheSameAs(copy);
    }

    [Fact]
    public async Task A_copy_that_was_promoted_promises_nothing()
    {
        var (volume, copy) = await PairAsync();
        Promotion.Run(copy, Next, onlyIfWhole: false, Backup.Clock);

        Should.Throw<DrException>(() => Vow.Make(copy, volume.State.PrimaryEpoch, TimeSpan.FromSeconds(2), Backup.Clock)).Message.ShouldContain("promises nothing");

        Vow.Left(copy, Backup.Clock).ShouldBe(TimeSpan.Zero);
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public void The_request_for_a_lease_says_whether_copies_may_extend_it(bool replicaLease)
    {
        var volume = Production.Set.Create("dilas", 1 << 20);
        using var keeper = new LeaseKeeper(Production.Set, new EdgeConfig { Systems = [new SystemConfig { Id = "dilas", Volume = "dilas", Lease = true, ReplicaLease = replicaLease }] }, Production.Clock);
        var draft = new BeatDraft();
        keeper.Contribute(draft);
        draft.Leases.ShouldBe([new LeaseRequest { System = new SystemId("dilas"), Epoch = volume.Epoch, Extendable = replicaLease }]);
    }

    private async Task<(Volume Owner, Volume Copy)> PairAsync()
    {
        var volume = Production.Set.Create("dilas", 1 << 20);
        volume.WriteAt(0, [1]);
        await Production.Copies.AddAsync(volume, Backup.Address, CopyMode.Stream, null, default);
        await SyncAsync(volume);
        return (volume, Backup.Set.Get("dilas"));
    }

    private static ReplicaLeaseService Service(Node node) => new(
        node.Set, node.Copies, new EdgeConfig { Systems = [new SystemConfig { Id = "dilas", Volume = "dilas", Lease = true, ReplicaLease = true }] }, [], node.Clock, NullLogger<ReplicaLeaseService>.Instance);
}
