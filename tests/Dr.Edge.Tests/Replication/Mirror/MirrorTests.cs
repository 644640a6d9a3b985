using Dr.Contracts.Errors;
using Dr.Contracts.Ids;
using Dr.Contracts.Mqtt;
using Dr.Edge.Replication;
using Dr.Edge.Replication.Mirror;
using Dr.Edge.Volumes;

namespace Dr.Edge.Tests.Replication.Mirror;

/// <summary>Synchronous copies on real stores: when writes wait, when they go on, and what each side says of the mirror.</summary>
public sealed class MirrorTests : TwoNodeTest
{
    private const long Size = 16 << 20;
    private static readonly TimeSpan Soon = TimeSpan.FromMilliseconds(300);
    private readonly ScriptedLedger _ledger = new();

    public override async ValueTask InitializeAsync()
    {
        await base.InitializeAsync();
        Production.Ledger = _ledger;
        await Production.RestartAsync();
    }

    public override async ValueTask DisposeAsync()
    {
        _ledger.Records();
        await base.DisposeAsync();
    }

    [Fact]
    public async Task A_lost_mirror_lets_writes_go_only_after_the_ledger_and_the_disk_say_that_it_is_out_of_date()
    {
        var volume = await MirroredAsync(LossPolicy.Degrade);
        _ledger.Holds();
        await Backup.CloseAsync();
        var write = Task.Run(() => volume.WriteAt(0, [1, 2, 3]));

        await Node.Until(() => _ledger.Asked > 0, "the ledger to be asked");
        Copy.ToStatus().Mirror.ShouldBe(MirrorState.OutOfDate, "what is to be recorded is said first");
        write.IsCompleted.ShouldBeFalse("nothing is answered before it is recorded");
        Recorded().ShouldBe(MirrorState.Whole);

        _ledger.Records();
        await write.WaitAsync(TimeSpan.FromSeconds(10));
        Recorded().ShouldBe(MirrorState.OutOfDate, "on the disk before the write was answered");
        Copy.ToStatus().OutOfDateSince.ShouldNotBeNull();
        await Backup.OpenAsync();
        MirrorBelief.Of(Backup.Set.Get("dilas"))!.IsCertain.ShouldBeFalse("a mirror that may be left behind never takes itself for whole");
    }

    [Fact]
    public async Task A_ledger_that_fails_as_none_should_is_asked_again_and_writes_go_on_when_it_has_recorded()
    {
        var volume = await MirroredAsync(LossPolicy.Degrade);
        _ledger.Fails(times: 2);
        await Backup.CloseAsync();
        await Task.Run(() => volume.WriteAt(0, [1, 2, 3])).WaitAsync(TimeSpan.FromSeconds(30));
        Recorded().ShouldBe(MirrorState.OutOfDate);
        await Backup.OpenAsync();
    }

    [Fact]
    public async Task A_mirror_that_returns_catches_up_and_counts_again_while_writes_go_on()
    {
        var volume = await MirroredAsync(LossPolicy.Degrade);
        await Backup.CloseAsync();
        volume.WriteRandom(new Random(3), 40);
        Copy.ToStatus().Mirror.ShouldBe(MirrorState.OutOfDate);
        using var stop = new CancellationTokenSource();
        var writing = Task.Run(() =>
        {
            var (random, writes) = (new Random(4), 0);
            for (; !stop.IsCancellationRequested; writes++)
            {
                volume.WriteRandom(random, 1);
            }

            return writes;
        });

        await Backup.OpenAsync();
        await WholeAsync();
        stop.Cancel();
        (await writing).ShouldBeGreaterThan(0);
        await Node.Until(() => Belief() is { State: MirrorState.Whole }, "the copy to know that it is whole again");
        volume.WriteAt(0, [9]);
        Backup.Set.Get("dilas").ShouldHoldTheSameAs(volume);
    }

    [Fact]
    public async Task Out_of_date_stays_out_of_date_over_a_restart_and_so_does_whole()
    {
        await MirroredAsync(LossPolicy.Degrade);

        // What the ledger does not have is not on the disk either, however long the stop and the start take.
        _ledger.Holds();
        await Backup.CloseAsync();
        await Production.CloseAsync();
        _ledger.Holds();
        await Production.OpenAsync();
        var volume = Production.Set.Get("dilas");
        var write = Task.Run(() => volume.WriteAt(0, [1]));
        await Node.Until(() => _ledger.Asked > 0, "the ledger to be asked");
        write.IsCompleted.ShouldBeFalse("the disk said whole: writes wait from the first on");
        _ledger.Records();
        await write.WaitAsync(TimeSpan.FromSeconds(30));
        Copy.ToStatus().Mirror.ShouldBe(MirrorState.OutOfDate);

        await Production.RestartAsync();
        Production.Set.Get("dilas").WriteAt(0, [2]);
        Copy.ToStatus().Mirror.ShouldBe(MirrorState.OutOfDate);
        await Backup.OpenAsync();
        await WholeAsync();
    }

    [Fact]
    public async Task A_change_to_stream_lets_go_only_after_both_the_ledger_and_the_copy_have_it()
    {
        var volume = await MirroredAsync(LossPolicy.Stall);
        Belief()!.IsCertain.ShouldBeTrue();
        _ledger.Holds();
        await Production.Copies.SetAsync(volume, Backup.Address, s => s with { Mode = CopyMode.Stream }, default);
        await Node.Until(() => _ledger.Asked > 0, "the ledger to be asked");
        Copy.Mirror.Model.WritesWait.ShouldBeTrue();

        _ledger.Records();
        await Node.Until(() => !Copy.Mirror.Model.WritesWait, "writes to be let go");
        Belief()!.State.ShouldBe(MirrorState.None, "the copy knew before");
        Recorded().ShouldBe(MirrorState.None);
        volume.WriteRandom(new Random(5), 5);
        await Production.Copies.SetAsync(volume, Backup.Address, s => s with { Mode = CopyMode.Sync }, default);
        await WholeAsync();
    }

    [Fact]
    public async Task Stalled_writes_go_on_when_the_policy_is_changed_to_degrade()
    {
        var volume = await MirroredAsync(LossPolicy.Stall);
        await Backup.CloseAsync();
        var write = Task.Run(() => volume.WriteAt(0, [1]));
        (await Task.WhenAny(write, Task.Delay(Soon))).ShouldNotBe(write, "a write that stalls");

        await Production.Copies.SetAsync(volume, Backup.Address, s => s with { OnLoss = LossPolicy.Degrade, DegradeAfter = Soon }, default);
        await write.WaitAsync(TimeSpan.FromSeconds(10));
        await Backup.OpenAsync();
    }

    [Fact]
    public async Task A_write_that_waits_for_a_lost_mirror_is_not_answered_by_an_orderly_stop()
    {
        var volume = await MirroredAsync(LossPolicy.Stall);
        await Backup.CloseAsync();
        var write = Task.Factory.StartNew(() => volume.WriteAt(0, [1]), TaskCreationOptions.LongRunning);
        (await Task.WhenAny(write, Task.Delay(Soon))).ShouldNotBe(write, "a write that stalls");

        await Production.CloseAsync();

        (await Should.ThrowAsync<BlockDeviceException>(() => write)).Message.ShouldContain("stopping");
        CopyFile.Read(volume.DirectoryPath).Single().RecordedMirror.ShouldBe(MirrorState.Whole, "so whoever decides takes the mirror for whole");
        await Backup.OpenAsync();
        await Production.OpenAsync();
        await WholeAsync();
    }

    [Fact]
    public async Task Only_a_copy_that_knows_itself_whole_is_promoted_when_that_is_asked_for()
    {
        var volume = await MirroredAsync(LossPolicy.Degrade);
        await Backup.CloseAsync();
        volume.WriteAt(0, [1]);
        await Production.CloseAsync();
        await Backup.OpenAsync();
        var copy = Backup.Set.Get("dilas");

        Should.Throw<DrException>(() => Promotion.Run(copy, new Epoch(2), onlyIfWhole: true, TimeProvider.System)).Message.ShouldContain("whole as of");
        copy.Role.ShouldBe(VolumeRole.Replica);
        Promotion.Run(copy, new Epoch(2), onlyIfWhole: false, TimeProvider.System)!.ShouldStartWith("whole as of");
        MirrorBelief.Of(copy).ShouldBeNull("a primary is nobody's mirror");
        await Production.OpenAsync();
    }

    [Fact]
    public async Task A_stalling_mirror_is_promoted_as_whole_and_has_every_answered_write()
    {
        var volume = await MirroredAsync(LossPolicy.Stall);
        volume.WriteRandom(new Random(6), 20);
        var content = volume.Content();
        await Production.CloseAsync();

        Promotion.Run(Backup.Set.Get("dilas"), new Epoch(2), onlyIfWhole: true, TimeProvider.System).ShouldBe("whole");
        Backup.Set.Get("dilas").ShouldHold(content);
        await Production.OpenAsync();
    }

    private SourceCopy Copy => Production.Copies.Of(Production.Set.Get("dilas")).Single();

    private MirrorState Recorded() => CopyFile.Read(Production.Set.Get("dilas").DirectoryPath).Single().RecordedMirror;

    private MirrorBelief? Belief() => MirrorBelief.Of(Backup.Set.Get("dilas"));

    private async Task<Volume> MirroredAsync(LossPolicy policy)
    {
        var volume = Production.Set.Create("dilas", Size);
        volume.WriteRandom(new Random(1), 20);
        await Production.Copies.AddAsync(volume, Backup.Address, s => s with { Mode = CopyMode.Sync, OnLoss = policy, DegradeAfter = Soon }, default);
        await WholeAsync();
        await Node.Until(() => Belief() is { State: MirrorState.Whole }, "the copy to know that it is whole");
        return volume;
    }

    private Task WholeAsync() => Node.Until(() => Copy.ToStatus() is { State: CopyState.Current, Mirror: MirrorState.Whole }, "the mirror to be whole", () => $"{Copy.ToStatus()} {Copy.Mirror.Model}");
}
