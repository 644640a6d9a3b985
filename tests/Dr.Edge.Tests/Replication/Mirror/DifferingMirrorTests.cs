using Dr.Contracts.Ids;
using Dr.Contracts.Mqtt;
using Dr.Edge.Replication;
using Dr.Edge.Replication.Mirror;
using Dr.Edge.Volumes;
using Dr.Edge.Volumes.Retention;

namespace Dr.Edge.Tests.Replication.Mirror;

/// <summary>A synchronous copy that turns out not to have what it confirmed: nobody takes it for whole before it has everything again, and writes go by the policy.</summary>
public sealed class DifferingMirrorTests : TwoNodeTest
{
    private static readonly TimeSpan Never = TimeSpan.FromHours(1);
    private readonly ScriptedLedger _ledger = new();

    public override async ValueTask DisposeAsync()
    {
        _ledger.Records();
        await base.DisposeAsync();
    }

    [Fact]
    public async Task By_stall_writes_wait_until_it_is_equal_again_and_it_goes_back_only_when_it_is_recorded_as_out_of_date()
    {
        var made = await MakeAsync(LossPolicy.Stall, Never);
        _ledger.Holds();
        await OpenAsync();
        var write = WriteAsync(8);
        await GateAsync();

        Copy.ToStatus().Mirror.ShouldBe(MirrorState.OutOfDate);
        Mirror.Appended.ShouldBe(made.At, "who decides over a takeover has not recorded it yet");
        Mirror.ShouldHold(made.Held);
        var report = new VolumeReports(Backup.Set, Backup.Copies, null).StatusOf(Mirror);
        (report.Differs, report.Mirror, report.CurrentAsOf).ShouldBe((true, MirrorState.OutOfDate, null));
        write.IsCompleted.ShouldBeFalse();

        // What is known is known after a restart too, and what waits waits.
        await Backup.CloseAsync();
        await Production.RestartAsync();
        await Should.ThrowAsync<BlockDeviceException>(() => write);
        Copy.ToStatus().Mirror.ShouldBe(MirrorState.OutOfDate, "without a word from the copy");
        await Backup.OpenAsync();
        write = WriteAsync(9);
        await GateAsync();
        Copy.ToStatus().Mirror.ShouldBe(MirrorState.OutOfDate);
        Mirror.Appended.ShouldBe(made.At);
        write.IsCompleted.ShouldBeFalse();

        _ledger.Records();
        await write.WaitAsync(TimeSpan.FromSeconds(60));
        Mirror.ShouldHoldTheSameAs(Owner);
        await IsWholeAgainAsync(made);
    }

    [Fact]
    public async Task By_degrade_writes_go_on_as_soon_as_that_is_recorded()
    {
        var made = await MakeAsync(LossPolicy.Degrade, Never);
        _ledger.Holds();
        await OpenAsync();
        var write = WriteAsync(8);
        await GateAsync();
        Copy.ToStatus().Mirror.ShouldBe(MirrorState.OutOfDate);
        Mirror.Appended.ShouldBe(made.At);
        write.IsCompleted.ShouldBeFalse("nothing is answered before it is recorded");

        _ledger.Records();
        await write.WaitAsync(TimeSpan.FromSeconds(60));
        await IsWholeAgainAsync(made);
    }

    [Fact]
    public async Task Without_a_common_point_below_it_is_out_of_date_while_it_is_compared_and_does_not_go_back()
    {
        var made = await MakeAsync(LossPolicy.Stall, Never, isPointBelow: false);
        _ledger.Holds();
        await OpenAsync();
        await WriteAsync(8).WaitAsync(TimeSpan.FromSeconds(60));
        _ledger.Asked.ShouldBeGreaterThan(0, "that it is out of date was to be recorded");
        Mirror.ShouldHoldTheSameAs(Owner);

        await WholeAsync();
        using var then = Mirror.OpenView(Mirror.Points.Single(PointKinds.IsOfDifference).Id);
        then.ShouldHold(made.Held);
    }

    [Fact]
    public async Task A_mirror_that_comes_back_with_an_empty_disk_is_out_of_date_until_it_has_everything()
    {
        await MakeAsync(LossPolicy.Stall, Never);
        Directory.Delete(Backup.Directory, recursive: true);
        Directory.CreateDirectory(Backup.Directory);
        _ledger.Holds();
        await OpenAsync();
        await Node.Until(() => _ledger.Asked > 0, "the ledger to be asked to record it", () => $"{Copy.ToStatus()} {Copy.Mirror.Model}");
        _ledger.Records();
        await WriteAsync(8).WaitAsync(TimeSpan.FromSeconds(60));
        Mirror.ShouldHoldTheSameAs(Owner);
        await WholeAsync();
    }

    private Volume Owner => Production.Set.Get(DifferingMirror.Name);

    private Volume Mirror => Backup.Set.Get(DifferingMirror.Name);

    private SourceCopy Copy => Production.Copies.Of(Owner).Single();

    private async Task<DifferingMirror> MakeAsync(LossPolicy onLoss, TimeSpan degradeAfter, bool isPointBelow = true)
    {
        Production.Ledger = _ledger;
        return await DifferingMirror.MakeAsync(Production, Backup, onLoss, degradeAfter, isPointBelow);
    }

    private async Task OpenAsync()
    {
        await Backup.OpenAsync();
        await Production.OpenAsync();
    }

    // A store that closes waits for the thread of a write, not the other way round.
    private Task WriteAsync(byte value)
    {
        var owner = Owner;
        return Task.Factory.StartNew(() => owner.WriteAt(2 << 20, Enumerable.Repeat(value, 4096).ToArray()), TaskCreationOptions.LongRunning);
    }

    private Task GateAsync() =>
        Node.Until(() => _ledger.Asked > 0 && Copy.ToStatus().Detail?.StartsWith("waits until it is recorded", StringComparison.Ordinal) == true, "the copy to wait for the record", () => $"{Copy.ToStatus()} {Copy.Mirror.Model}");

    private Task WholeAsync() => Node.Until(
        () => Copy.ToStatus() is { State: CopyState.Current, Mirror: MirrorState.Whole } && MirrorBelief.Of(Mirror) is { State: MirrorState.Whole }, "the mirror to be whole", () => $"{Copy.ToStatus()} {Copy.Mirror.Model}");

    private async Task IsWholeAgainAsync(DifferingMirror made)
    {
        await WholeAsync();
        Mirror.ShouldHoldTheSameAs(Owner);
        Backup.Set.Get(TailName.For(DifferingMirror.Name, Mirror.Generations[^1].Generation, made.At)).ShouldHold(made.Held);
        var settings = CopyFile.Read(Owner.DirectoryPath).Single();
        (settings.RecordedMirror, settings.MirrorLacks, settings.DiffersAt).ShouldBe((MirrorState.Whole, false, null));
        new VolumeReports(Backup.Set, Backup.Copies, null).StatusOf(Mirror).Differs.ShouldBeFalse();
    }
}
