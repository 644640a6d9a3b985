using Dr.Contracts.Mqtt;
using Dr.Edge.Tests.Volumes.Space;
using Dr.Edge.Volumes;
using Dr.Edge.Volumes.Background;
using Dr.Edge.Volumes.Format;
using Dr.Edge.Volumes.Scrubbing;
using Microsoft.Extensions.Time.Testing;

namespace Dr.Edge.Tests.Volumes.Scrubbing;

public sealed class ScrubTests : IDisposable
{
    private const int Block = StoreLimits.BlockBytes;
    private static readonly TimeSpan Week = TimeSpan.FromDays(7);
    private readonly FakeTimeProvider _time = new(DateTimeOffset.UtcNow);
    private readonly StoreFixture _store;
    private readonly EventIds _log = new();

    public ScrubTests() => _store = new StoreFixture(time: _time);

    public void Dispose() => _store.Dispose();

    [Fact]
    public async Task A_pass_over_a_whole_volume_reads_everything_and_finds_nothing()
    {
        var volume = await HistoryAsync();
        var scrubber = NewScrubber();
        scrubber.Step(CancellationToken.None).ShouldBeFalse("nothing is due before its time");
        scrubber.Start(volume);
        RunPass(scrubber);
        var book = scrubber.Book(volume);
        book.Findings.ShouldBeEmpty();
        (book.Passes, book.Cursor).ShouldBe((1L, null));
        book.CheckedBytes.ShouldBeGreaterThan(volume.State.Layers.Where(layer => layer.Sealed).Sum(layer => layer.LengthBytes - LayerHeader.SizeBytes));
        _log.Seen.ShouldContain(1171);
    }

    [Fact]
    public async Task A_pass_is_due_a_period_after_the_last_one_began()
    {
        var volume = await HistoryAsync();
        var scrubber = NewScrubber();
        _time.Advance(Week - TimeSpan.FromMinutes(1));
        scrubber.Step(CancellationToken.None).ShouldBeFalse();
        _time.Advance(TimeSpan.FromMinutes(2));
        RunPass(scrubber);
        scrubber.Book(volume).Passes.ShouldBe(1);
        scrubber.Step(CancellationToken.None).ShouldBeFalse();
        _time.Advance(Week);
        scrubber.Step(CancellationToken.None).ShouldBeTrue();
    }

    [Fact]
    public async Task Every_byte_of_base_and_sealed_layers_is_covered()
    {
        var volume = await HistoryAsync(blocks: 12);
        string[] files = [Path.Combine(volume.DirectoryPath, "base.img"), .. Directory.GetFiles(Path.Combine(volume.DirectoryPath, "layers")).Order(StringComparer.Ordinal)];
        var scrubber = NewScrubber();
        foreach (var path in files)
        {
            var length = CheckedEnd(volume, path);
            for (long offset = 0; offset < length; offset += 509)
            {
                if (path.EndsWith("base.img", StringComparison.Ordinal) && !HasBaseBlock(volume, offset / Block))
                {
                    continue;
                }

                // What speed writes ahead of a head's end is nobody's data, nor is the file that is ready for the next head.
                if (path.EndsWith(".log", StringComparison.Ordinal) && (IsHead(volume, path) || !IsLayer(volume, path)))
                {
                    continue;
                }

                Flip(path, offset);
                scrubber.Start(volume);
                RunPass(scrubber);
                scrubber.Book(volume).Findings.ShouldNotBeEmpty($"{path} at {offset}");
                Flip(path, offset);
                scrubber.Start(volume);
                RunPass(scrubber);
                scrubber.Book(volume).Findings.ShouldBeEmpty($"{path} at {offset} is whole again");
            }
        }
    }

    [Fact]
    public async Task A_finding_says_which_points_show_it_is_told_once_and_survives_a_restart()
    {
        var volume = await HistoryAsync();
        var entry = Sealed(volume, 0);
        var damaged = Path.Combine(volume.DirectoryPath, "layers", $"{entry.Layer}.log");
        Flip(damaged, entry.OverwrittenOffset + 100);
        var scrubber = NewScrubber();
        scrubber.Start(volume);
        RunPass(scrubber);
        scrubber.Start(volume);
        RunPass(scrubber);
        var finding = scrubber.Book(volume).Findings.ShouldHaveSingleItem();
        (finding.Where, finding.Offset, finding.Block).ShouldBe(($"layers/{entry.Layer}.log", entry.OverwrittenOffset, (long?)0));
        finding.Points.ShouldBe([volume.Points[1].Id]);
        finding.InPresent.ShouldBeFalse();
        _log.Seen.Count(id => id == 1172).ShouldBe(1);
        _store.Reopen();
        NewScrubber().Book(_store.Set.Get("v")).Findings.ShouldHaveSingleItem().FirstSeen.ShouldBe(finding.FirstSeen);
    }

    [Fact]
    public async Task Verify_and_scrub_find_the_same()
    {
        var volume = await HistoryAsync();
        var random = new Random(7);
        var layer = Path.Combine(volume.DirectoryPath, "layers", $"{volume.State.Layers[0].Number}.log");
        for (var i = 0; i < 5; i++)
        {
            Flip(layer, random.NextInt64(new FileInfo(layer).Length));
        }

        var scrubber = NewScrubber();
        scrubber.Start(volume);
        RunPass(scrubber);
        var verified = new Verifier(volume, (_, _) => { }, CancellationToken.None).Run(null, null);
        scrubber.Book(volume).Findings.Where(finding => finding.Where != "map").Select(finding => (Path.Combine(volume.DirectoryPath, finding.Where), finding.Offset, finding.Problem)).Order()
            .ShouldBe(verified.Bad.Where(bad => bad.Where != "v").Select(bad => (bad.Where, bad.Offset, bad.Problem)).Order());
    }

    [Fact]
    public async Task A_restart_in_the_middle_goes_on_where_it_was()
    {
        var volume = await HistoryAsync(blocks: 2000);
        var scrubber = NewScrubber();
        scrubber.Start(volume);
        for (var i = 0; i < 12; i++)
        {
            scrubber.Step(CancellationToken.None).ShouldBeTrue();
        }

        scrubber.Save();
        var before = scrubber.Book(volume);
        before.Cursor.ShouldNotBeNull();
        before.CheckedBytes.ShouldBeGreaterThan(1 << 20);
        _store.Reopen();
        scrubber = NewScrubber();
        scrubber.Book(_store.Set.Get("v")).Cursor.ShouldBe(before.Cursor);
        RunPass(scrubber);
        scrubber.Book(_store.Set.Get("v")).Findings.ShouldBeEmpty();
    }

    [Fact]
    public async Task While_it_runs_history_comes_and_goes()
    {
        var volume = await HistoryAsync(blocks: 500);
        var scrubber = NewScrubber();
        scrubber.Start(volume);
        var random = new Random(3);
        for (var i = 0; i < 400 && scrubber.Book(volume).Cursor is not null; i++)
        {
            scrubber.Step(CancellationToken.None);
            StoreFixture.Write(volume, random.Next(500) * Block, StoreFixture.Pattern(3 * Block, i));
            if (i % 5 == 0)
            {
                volume.CreatePoint(null, PointConsistency.Crash, null);
                volume.DeletePoint(volume.Points[0].Id);
                await _store.Set.Maintenance.DrainAsync();
            }
        }

        RunPass(scrubber);
        scrubber.Book(volume).Findings.ShouldBeEmpty();
    }

    [Fact]
    public async Task Paused_it_stands_still_until_resumed()
    {
        var volume = await HistoryAsync();
        var scrubber = NewScrubber();
        scrubber.Start(volume);
        scrubber.Step(CancellationToken.None).ShouldBeTrue();
        var cursor = scrubber.Pause(volume).Cursor;
        scrubber.Step(CancellationToken.None).ShouldBeFalse();
        scrubber.Book(volume).Cursor.ShouldBe(cursor);
        scrubber.Resume(volume);
        RunPass(scrubber);
        scrubber.Book(volume).Passes.ShouldBe(1);
    }

    /// <summary>Two points, each with blocks of its own and some that the next overwrites; the older part is in the base.</summary>
    private async Task<Volume> HistoryAsync(int blocks = 40)
    {
        var volume = _store.Set.Create("v", 4096L * Block);
        for (var round = 0; round < 4; round++)
        {
            StoreFixture.Write(volume, round * Block, StoreFixture.Pattern(blocks * Block, round));
            StoreFixture.Write(volume, 0, StoreFixture.Pattern(Block, 100 + round));
            StoreFixture.Zero(volume, 3000L * Block, 5 * Block);
            volume.CreatePoint(null, PointConsistency.Crash, null);
        }

        volume.DeletePoint(volume.Points[0].Id);
        await _store.Set.Maintenance.DrainAsync();
        StoreFixture.Write(volume, 7 * Block, StoreFixture.Pattern(Block, 9), fua: true);
        return volume;
    }

    private (long Layer, long OverwrittenOffset) Sealed(Volume volume, long block)
    {
        // Block 0 of the first sealed layer behind the base: only the point at its end shows it... the base holds what lies before.
        var layer = volume.Journal.Layers.First(l => l.Record.Sealed);
        var offset = layer.ReadEntries(volume.State).First(entry => entry.FirstBlock == block).FileOffset;
        return (layer.Record.Number, offset);
    }

    /// <summary>Behind the index lies a copy of a manifest record that only a rebuild reads; a torn one is no damage.</summary>
    private static long CheckedEnd(Volume volume, string path) =>
        volume.Journal.Layers.FirstOrDefault(layer => layer.File.File.Path == path) is { Record.Sealed: true } layer
            ? layer.Record.LengthBytes + LayerIndex.HeaderBytes + (layer.ReadEntries(volume.State).LongCount() * LayerIndex.EntryBytes)
            : new FileInfo(path).Length;

    private static bool IsHead(Volume volume, string path) => Path.GetFileNameWithoutExtension(path) == volume.State.Layers[^1].Number.ToString(System.Globalization.CultureInfo.InvariantCulture);

    private static bool IsLayer(Volume volume, string path) => volume.State.Layers.Any(layer => Layer.PathOf(volume.DirectoryPath, layer.Number) == path);

    private static bool HasBaseBlock(Volume volume, long block)
    {
        var entry = new byte[8];
        using var file = new FileStream(Path.Combine(volume.DirectoryPath, "base.crc"), FileMode.Open, FileAccess.Read, FileShare.ReadWrite);
        file.Position = block * 8;
        return file.Read(entry) == 8 && entry.Any(b => b != 0);
    }

    private static void Flip(string path, long offset)
    {
        using var file = new FileStream(path, FileMode.Open, FileAccess.ReadWrite, FileShare.ReadWrite);
        file.Position = offset;
        var value = file.ReadByte();
        file.Position = offset;
        file.WriteByte((byte)(value ^ 0x04));
    }

    private void RunPass(Scrubber scrubber)
    {
        for (var steps = 0; scrubber.Step(CancellationToken.None); steps++)
        {
            steps.ShouldBeLessThan(100_000, "a pass did not come to its end");
        }

        _time.Advance(TimeSpan.FromSeconds(1));
    }

    private Scrubber NewScrubber()
    {
        var pacer = new WorkPacer(new WorkLimits(), () => 0, _time) { Hurry = true };
        return new Scrubber(_store.Set, pacer, Week, _store.Faults, _log);
    }
}
