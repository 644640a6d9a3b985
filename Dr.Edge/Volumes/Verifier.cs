using Dr.Edge.Cli;
using Dr.Edge.Volumes.Format;

namespace Dr.Edge.Volumes;

/// <summary>Reads everything a volume has on disk against its checksums: superblock copies, layers with their indexes, the base, and what the map or a point says.</summary>
internal sealed class Verifier(Volume volume, Action<long, long> progress, CancellationToken cancellationToken)
{
    private const int MaxFindings = 10_000;
    private const int ChunkBlocks = 128;
    private readonly List<BadRange> _bad = [];
    private long _checked;
    private long _total;

    public VerifyResult Run(PointId? point, DateTimeOffset? at)
    {
        if (volume.Fault is { } fault)
        {
            Report(volume.DirectoryPath, 0, 0, fault);
        }

        if (point is null && at is null)
        {
            _total = volume.AllocatedBytes + (volume.MappedBlocks * StoreLimits.BlockBytes);
            volume.VerifyFiles(Report, Advance, cancellationToken);
            VerifyContent(block => (volume.CheckContent(block, ChunkBlocks, out var bytes, ReportBlock), bytes), volume.SizeBytes);
        }
        else
        {
            using var view = point is { } id ? volume.OpenView(id) : volume.OpenView(at!.Value);
            _total = view.Map.MappedBlocks * StoreLimits.BlockBytes;
            VerifyContent(block => (view.Check(block, ChunkBlocks, out var bytes, ReportBlock), bytes), view.SizeBytes);
        }

        return new VerifyResult(volume.Name, _checked, _bad);
    }

    /// <param name="check">Checks some blocks from one on and says where to go on; with it the bytes that it read.</param>
    private void VerifyContent(Func<long, (long Next, long Bytes)> check, long sizeBytes)
    {
        for (long block = 0; block < sizeBytes / StoreLimits.BlockBytes;)
        {
            (block, var bytes) = check(block);
            Advance(bytes);
        }
    }

    private void ReportBlock(long block, string problem) => Report(volume.Name, block * StoreLimits.BlockBytes, StoreLimits.BlockBytes, problem);

    private void Advance(long bytes)
    {
        cancellationToken.ThrowIfCancellationRequested();
        _checked += bytes;
        progress(Math.Min(_checked, _total), _total);
    }

    private void Report(string where, long offset, long length, string problem)
    {
        if (_bad.Count < MaxFindings)
        {
            _bad.Add(new BadRange(where, offset, length, problem));
        }
    }
}
