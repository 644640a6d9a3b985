using Dr.Edge.Mirroring;
using Microsoft.Win32.SafeHandles;

namespace Dr.Edge.Tests.Mirroring;

/// <summary>A source and a volume that are files: what a pass reads, compares and writes.</summary>
public sealed class BlockPassTests : IDisposable
{
    private const int SizeBytes = (16 << 20) + 512 * 3; // The last chunk is not a whole one.
    private readonly string _directory = Directory.CreateTempSubdirectory("dr-mirror-").FullName;
    private readonly Random _random = new(5);
    private readonly byte[] _content = new byte[SizeBytes];
    private readonly SafeFileHandle _target;

    public BlockPassTests()
    {
        _random.NextBytes(_content);
        File.WriteAllBytes(SourcePath, _content);
        using (var file = File.Create(TargetPath))
        {
            file.SetLength(SizeBytes);
        }

        _target = File.OpenHandle(TargetPath, FileMode.Open, FileAccess.ReadWrite, FileShare.ReadWrite);
    }

    private string SourcePath => Path.Combine(_directory, "source");

    private string TargetPath => Path.Combine(_directory, "target");

    public void Dispose()
    {
        _target.Dispose();
        Directory.Delete(_directory, recursive: true);
    }

    [Fact]
    public void All_of_ten_thousand_random_changes_are_found_and_only_they_are_written()
    {
        var state = new MirrorState(SourcePath, SizeBytes, "v");
        Pass(state).ChangedUnits.ShouldBe(SizeBytes / 512);
        Pass(state).ShouldSatisfyAllConditions(p => p.ChangedUnits.ShouldBe(0), p => p.ComparedChunks.ShouldBe(0));

        var units = new HashSet<int>();
        while (units.Count < 10_000)
        {
            var unit = _random.Next(SizeBytes / 512);
            if (units.Add(unit))
            {
                _content[(unit * 512) + _random.Next(512)] ^= (byte)_random.Next(1, 256); // One byte of it.
            }
        }

        File.WriteAllBytes(SourcePath, _content);
        Pass(state).ChangedUnits.ShouldBe(10_000);
        File.ReadAllBytes(TargetPath).ShouldBe(_content);
    }

    [Fact]
    public void A_pass_that_is_cut_off_anywhere_goes_on_from_there_and_misses_nothing()
    {
        var path = Path.Combine(_directory, "state");
        var state = new MirrorState(SourcePath, SizeBytes, "v");
        for (var cut = 0; cut < 12; cut++)
        {
            using var stop = new CancellationTokenSource();
            var left = _random.Next(1, 10);
            try
            {
                Pass(state, (_, _) =>
                {
                    if (--left == 0)
                    {
                        stop.Cancel();
                    }
                }, path, cancellationToken: stop.Token);
            }
            catch (OperationCanceledException)
            {
                // As it was asked to.
            }

            state = MirrorState.Read(path)!;
            var at = _random.Next(SizeBytes - 100);
            _random.NextBytes(_content.AsSpan(at, 100));
            File.WriteAllBytes(SourcePath, _content);
        }

        Pass(state, path: path);
        Pass(state, path: path); // What changed before the place where the first one went on.
        File.ReadAllBytes(TargetPath).ShouldBe(_content);
    }

    [Fact]
    public void Nothing_of_a_damaged_state_is_believed()
    {
        var path = Path.Combine(_directory, "state");
        var state = new MirrorState(SourcePath, SizeBytes, "v") { Mark = "m", Position = 7 };
        Pass(state, path: path);
        var read = MirrorState.Read(path)!;
        (read.Source, read.SizeBytes, read.Volume, read.Position, read.Cursor).ShouldBe((SourcePath, (long)SizeBytes, "v", 7L, 0L));
        read.HashOf(3).ToArray().ShouldBe(state.HashOf(3).ToArray());
        var bytes = File.ReadAllBytes(path);
        for (var round = 0; round < 300; round++)
        {
            var damaged = bytes.ToArray();
            damaged[_random.Next(damaged.Length)] ^= (byte)(1 << _random.Next(8));
            File.WriteAllBytes(path, round % 3 == 0 ? damaged[.._random.Next(damaged.Length)] : damaged);
            MirrorState.Read(path).ShouldBeNull();
        }
    }

    [Fact]
    public void What_the_volume_holds_is_compared_when_asked_even_if_every_hash_is_known()
    {
        var state = new MirrorState(SourcePath, SizeBytes, "v");
        Pass(state);
        RandomAccess.Write(_target, new byte[512], 512 * 77); // Somebody else wrote.
        Pass(state).ChangedUnits.ShouldBe(0);
        Pass(state, verify: true).ChangedUnits.ShouldBe(1);
        File.ReadAllBytes(TargetPath).ShouldBe(_content);
    }

    private PassResult Pass(MirrorState state, Action<long, long>? progress = null, string? path = null, bool verify = false, CancellationToken cancellationToken = default)
    {
        using var source = new BlockSource(SourcePath, TimeProvider.System);
        return new BlockPass(source, _target, state, () => { if (path is not null) { state.Write(path); } }, TimeProvider.System).Run(verify, progress ?? ((_, _) => { }), cancellationToken);
    }
}
