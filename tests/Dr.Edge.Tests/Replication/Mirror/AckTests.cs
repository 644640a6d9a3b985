using Dr.Contracts.Errors;
using Dr.Contracts.Ids;
using Dr.Contracts.Mqtt;
using Dr.Contracts.Wire;
using Dr.Crash.Child.Copying;
using Dr.Edge.Replication;
using Dr.Edge.Replication.Mirror;
using Dr.Edge.Tests.Replication.Failback;
using Dr.Edge.Volumes;

namespace Dr.Edge.Tests.Replication.Mirror;

/// <summary>What an answer of a mirrored volume means: writes are in both logs, flushes on both disks; and what is left when the mirror's power is lost.</summary>
public sealed class AckTests : TwoNodeTest
{
    private const long Size = 16 << 20;
    private readonly Random _random = new(21);

    private Volume Mirror => Backup.Set.Get("dilas");

    private SourceCopy Copy => Production.Copies.Of(Production.Set.Get("dilas")).Single();

    [Fact]
    public async Task A_write_is_answered_when_the_mirror_has_it_and_a_flush_when_it_is_on_the_mirrors_disk()
    {
        var volume = await MirroredAsync(MirrorAck.Applied);
        for (var i = 0; i < 20; i++)
        {
            volume.WriteRandom(_random, 3);
            Mirror.Appended.ShouldBe(volume.Appended);
            if (i % 2 == 0)
            {
                volume.Flush();
            }
            else
            {
                volume.Write([new WriteExtent(0, 4096, ExtentKind.Data, new byte[4096])], forceUnitAccess: true);
            }

            Mirror.Durable.ShouldBe(volume.Appended);
            volume.Durable.ShouldBe(volume.Appended);
        }
    }

    [Fact]
    public async Task What_nobody_flushes_reaches_the_mirrors_disk_by_itself()
    {
        var volume = await MirroredAsync(MirrorAck.Applied);
        volume.WriteRandom(_random, 3);

        await Node.Until(() => Mirror.Durable == volume.Appended && Copy.Progress.Durable == volume.Appended, "the mirror to flush by itself and say so");
    }

    [Fact]
    public async Task With_durable_every_write_is_on_the_mirrors_disk_before_its_answer_and_it_is_changed_while_it_runs()
    {
        var volume = await MirroredAsync(MirrorAck.Durable);
        for (var i = 0; i < 20; i++)
        {
            volume.WriteRandom(_random, 1);
            Mirror.Durable.ShouldBe(volume.Appended);
        }

        await SetAsync(MirrorAck.Applied);
        volume.WriteRandom(_random, 5);
        await SetAsync(MirrorAck.Durable);
        volume.WriteRandom(_random, 5);
        Mirror.Durable.ShouldBe(volume.Appended);
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task With_a_peer_that_knows_no_flush_every_answer_is_about_its_disk(bool mirrorIsOlder)
    {
        var node = mirrorIsOlder ? Backup : Production;
        node.NewestVersion = Hello.WithFlush - 1;
        await node.RestartAsync();
        var volume = await MirroredAsync(MirrorAck.Applied);
        for (var i = 0; i < 10; i++)
        {
            volume.WriteRandom(_random, 2);
            Mirror.Durable.ShouldBe(volume.Appended);
            volume.Flush();
        }

        Mirror.ShouldHoldTheSameAs(volume);
    }

    [Fact]
    public async Task A_flush_that_the_mirrors_absence_holds_up_is_answered_when_it_is_back()
    {
        var volume = await MirroredAsync(MirrorAck.Applied);
        await Backup.CloseAsync();
        using var written = new ManualResetEventSlim();
        var flush = Task.Run(() =>
        {
            var ticket = volume.BeginWrite([new WriteExtent(0, 4096, ExtentKind.Data, new byte[4096])], forceUnitAccess: false);
            written.Set();
            volume.Flush();
            volume.Confirm(ticket);
        });
        written.Wait(TimeSpan.FromSeconds(10)).ShouldBeTrue("what is appended does not wait for the mirror");
        (await Task.WhenAny(flush, Task.Delay(300))).ShouldNotBe(flush, "a flush with the mirror away");

        await Backup.OpenAsync();
        await flush.WaitAsync(TimeSpan.FromSeconds(20));
        Mirror.Durable.ShouldBe(volume.Appended);
    }

    [Fact]
    public async Task A_mirror_that_lost_its_power_has_what_was_flushed_catches_up_and_does_not_take_itself_for_whole_before()
    {
        var volume = await MirroredAsync(MirrorAck.Applied);
        volume.WriteRandom(_random, 20);
        volume.Flush();
        var flushed = volume.Content();
        var durable = volume.Appended;
        await Node.Until(() => Mirror.Durable == durable && Copy.Progress.Durable == durable, "nothing to be under way");

        // All that a disk must have after a power cut now: what was flushed. Answered writes follow.
        var disk = Path.Combine(Path.GetTempPath(), $"dr-repl-cut-{Guid.NewGuid():N}");
        CopyDirectory(Backup.Directory, disk);
        volume.WriteRandom(_random, 20);
        Mirror.Appended.ShouldBe(volume.Appended);
        var answered = volume.Content();
        await Backup.CloseAsync();
        await Production.CloseAsync();
        Directory.Delete(Backup.Directory, recursive: true);
        Directory.Move(disk, Backup.Directory);
        foreach (var file in Directory.GetFiles(Backup.Directory, "mirror.json", SearchOption.AllDirectories))
        {
            File.WriteAllText(file, File.ReadAllText(file).Replace(MachineStart.Id!, "a start before", StringComparison.Ordinal));
        }

        await Backup.OpenAsync();
        Mirror.ShouldHold(flushed);
        Mirror.Appended.ShouldBe(durable);
        MirrorBelief.Of(Mirror)!.IsCertain.ShouldBeFalse("what was answered and not flushed is missing");
        MirrorBelief.Of(Mirror)!.Reported.ShouldBe(MirrorState.OutOfDate, "and the control plane hears it");
        Should.Throw<DrException>(() => Promotion.Run(Mirror, new Epoch(2), onlyIfWhole: true, Backup.Clock)).Message.ShouldContain("answered and not flushed");

        await Production.OpenAsync();
        await Node.Until(() => MirrorBelief.Of(Mirror) is { IsCertain: true }, "the mirror to be told that it is whole again", () => $"{Copy.ToStatus()} {Copy.Mirror.Model}");
        Mirror.ShouldHold(answered);
        Backup.Set.Volumes.Count.ShouldBe(1, "a beginning is no tail: nothing diverged");
        Production.Set.Get("dilas").WriteAt(0, [1, 2, 3]);
        Mirror.ShouldHoldTheSameAs(Production.Set.Get("dilas"));
    }

    [Fact]
    public async Task A_mirror_that_joins_is_whole_only_when_what_was_answered_before_is_on_its_disk()
    {
        var volume = Production.Set.Create("dilas", Size);
        volume.WriteRandom(_random, 40);
        await Production.Copies.AddAsync(volume, Backup.Address, s => s with { Mode = CopyMode.Sync }, default);
        using var stop = new CancellationTokenSource();
        var writing = Task.Run(() =>
        {
            while (!stop.IsCancellationRequested)
            {
                volume.WriteRandom(_random, 1);
            }
        });
        SequenceNumber? joinedAt = null;
        await Node.Until(
            () =>
            {
                joinedAt ??= Copy.Mirror.Model.JoinAt;
                return Copy.Mirror.Model.Phase == MirrorPhase.Whole;
            },
            "the mirror to be whole");
        var durable = Mirror.Durable;
        await stop.CancelAsync();
        await writing;

        durable.ShouldBeGreaterThanOrEqualTo(joinedAt ?? SequenceNumber.Zero);
    }

    [Fact]
    public async Task A_mirror_whose_process_is_killed_has_every_answered_write()
    {
        await using var production = new ProcessSite("production");
        await using var backup = new ProcessSite("backup");
        var oracle = new LoadOracle();
        oracle.Begin(1, default);
        await backup.MustAsync("show");
        await production.MustAsync("create");
        await production.MustAsync("write 1 8");
        await production.MustAsync($"add {backup.Address} Sync");
        await production.UntilAsync("show", a => a.Contains("Sync:Whole:Current", StringComparison.Ordinal), "the mirror to be whole");

        // The last flush is that of write 16.
        await production.MustAsync("write 1 22");
        await backup.KillAsync();
        oracle.Check(await backup.ContentAsync("v"), "the mirror by itself").ShouldBe(new LoadPosition(1, 22));
        await backup.UntilAsync("promote 2", a => a.StartsWith("Primary 2 ", StringComparison.Ordinal), "the mirror to be primary");
        oracle.Check(await backup.ContentAsync("v"), "the promoted mirror").ShouldBe(new LoadPosition(1, 22));
    }

    private static void CopyDirectory(string from, string to)
    {
        foreach (var directory in Directory.GetDirectories(from, "*", SearchOption.AllDirectories).Prepend(from))
        {
            Directory.CreateDirectory(Path.Combine(to, Path.GetRelativePath(from, directory)));
        }

        foreach (var file in Directory.GetFiles(from, "*", SearchOption.AllDirectories).Where(file => Path.GetFileName(file) != "lock"))
        {
            File.Copy(file, Path.Combine(to, Path.GetRelativePath(from, file)));
        }
    }

    private Task<SourceCopy> SetAsync(MirrorAck ack) => Production.Copies.SetAsync(Production.Set.Get("dilas"), Backup.Address, s => s with { Ack = ack }, default);

    private async Task<Volume> MirroredAsync(MirrorAck ack)
    {
        var volume = Production.Set.Create("dilas", Size);
        volume.WriteRandom(new Random(1), 20);
        await Production.Copies.AddAsync(volume, Backup.Address, s => s with { Mode = CopyMode.Sync, Ack = ack }, default);
        await Node.Until(() => Copy.ToStatus() is { State: CopyState.Current, Mirror: MirrorState.Whole }, "the mirror to be whole", () => $"{Copy.ToStatus()} {Copy.Mirror.Model}");
        await Node.Until(() => MirrorBelief.Of(Mirror) is { State: MirrorState.Whole }, "the mirror to know it");
        return volume;
    }
}
