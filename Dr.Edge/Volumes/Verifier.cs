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
            VerifyContent(volume, volume.SizeBytes);
        }
        else
        {
            using var view = point is { } id ? volume.OpenView(id) : volume.OpenView(at!.Value);
            _total = view.Map.MappedBlocks * StoreLimits.BlockBytes;
            VerifyContent(view, view.SizeBytes);
        }

        return new VerifyResult(volume.Name, _checked, _bad);
    }

    private void VerifyContent(IBlockDevice device, long sizeBytes)
    {
        var buffer = new byte[ChunkBlocks * StoreLimits.BlockBytes];
        var runs = new List<AllocationRun>();
        for (long offset = 0; offset < sizeBytes;)
        {
            runs.Clear();
            try
            {
                device.GetAllocation(offset, sizeBytes - offset, 1, runs);
            }
            catch (BlockDeviceException exception)
            {
                Report(volume.Name, offset, sizeBytes - offset, exception.Message);
                return;
            }

            for (long done = 0; !runs[0].IsZero && done < runs[0].Length; done += buffer.Length)
            {
                var part = buffer.AsSpan(0, (int)Math.Min(buffer.Length, runs[0].Length - done));
                VerifyChunk(device, offset + done, part);
                Advance(part.Length);
            }

            offset += runs[0].Length;
        }
    }

    private void VerifyChunk(IBlockDevice device, long offset, Span<byte> part)
    {
        try
        {
            device.Read(offset, part);
        }
        catch (BlockDeviceException) when (part.Length > StoreLimits.BlockBytes)
        {
            // Again block by block, so that the list names the bad ones and not their neighbours.
            for (var block = 0; block < part.Length; block += StoreLimits.BlockBytes)
            {
                VerifyChunk(device, offset + block, part.Slice(block, StoreLimits.BlockBytes));
            }
        }
        catch (BlockDeviceException exception)
        {
            Report(volume.Name, offset, part.Length, exception.Message);
        }
    }

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
