using Dr.Edge.Volumes.Format;
using Dr.Edge.Volumes.Mapping;

namespace Dr.Edge.Volumes;

/// <summary>Reads through a block map; every block is checked against its checksum before it is handed out. Neither locks nor allocates.</summary>
internal static class BlockReader
{
    // Longest run of neighbouring blocks read by one system call.
    private const int MaxRunBlocks = 128;

    [ThreadStatic]
    private static byte[]? _partialBlock;

    public static void Read(BlockMap map, LayerTable layers, long offset, Span<byte> destination)
    {
        while (!destination.IsEmpty)
        {
            var block = offset >> StoreLimits.BlockShift;
            var inBlock = (int)offset & (StoreLimits.BlockBytes - 1);
            int taken;
            if (inBlock != 0 || destination.Length < StoreLimits.BlockBytes)
            {
                var whole = _partialBlock ??= new byte[StoreLimits.BlockBytes];
                ReadRun(map, layers, block, whole);
                taken = Math.Min(StoreLimits.BlockBytes - inBlock, destination.Length);
                whole.AsSpan(inBlock, taken).CopyTo(destination);
            }
            else
            {
                taken = ReadRun(map, layers, block, destination[..(destination.Length & ~(StoreLimits.BlockBytes - 1))]);
            }

            offset += taken;
            destination = destination[taken..];
        }
    }

    /// <summary>Reads blocks from <paramref name="first"/> on as long as they lie side by side in one file (or are all zeros); returns the bytes read, at least one block.</summary>
    private static int ReadRun(BlockMap map, LayerTable layers, long first, Span<byte> destination)
    {
        Span<uint> checksums = stackalloc uint[MaxRunBlocks];
        var maxBlocks = Math.Min(destination.Length / StoreLimits.BlockBytes, MaxRunBlocks);
        for (var attempt = 0; ; attempt++)
        {
            var start = map.Get(first, out checksums[0]);
            if (!start.IsData)
            {
                if (!start.IsUnmapped || !map.IsInBase(first))
                {
                    return ReadZeros(map, first, destination[..(maxBlocks * StoreLimits.BlockBytes)]);
                }

                if (TryReadBase(map, first, destination[..(maxBlocks * StoreLimits.BlockBytes)], checksums, throwing: attempt > 2) is var taken && taken > 0)
                {
                    return taken;
                }

                continue;
            }

            var count = 1;
            while (count < maxBlocks)
            {
                var next = map.Get(first + count, out checksums[count]);
                if (next.Value != start.Value + ((ulong)count << StoreLimits.BlockShift))
                {
                    break;
                }

                count++;
            }

            var run = destination[..(count * StoreLimits.BlockBytes)];
            var damaged = TryReadRun(layers, start, run, checksums, out var problem);
            if (damaged < 0)
            {
                return run.Length;
            }

            // The block may have moved to another file while this read was on its way to the old one; only an unmoved one is damaged.
            if (map.Get(first + damaged, out _).Value == start.Value + ((ulong)damaged << StoreLimits.BlockShift) || attempt > 100)
            {
                Throw(layers, start, first + damaged, damaged, problem);
            }
        }
    }

    private static int ReadZeros(BlockMap map, long first, Span<byte> destination)
    {
        var end = map.Find(first + 1, first + (destination.Length / StoreLimits.BlockBytes), content: true);
        var run = destination[..((int)(end - first) * StoreLimits.BlockBytes)];
        run.Clear();
        return run.Length;
    }

    /// <summary>
    /// Blocks that no layer has, from the base, each against its entry of base.crc. 0 when they changed on the way: written, merged into the base and let go by the map while this read was
    /// under way, which only a long wait between two lines can bring about.
    /// </summary>
    private static int TryReadBase(BlockMap map, long first, Span<byte> destination, Span<uint> checksums, bool throwing)
    {
        var count = 1;
        while (count < destination.Length / StoreLimits.BlockBytes && map.Get(first + count, out _).IsUnmapped && map.IsInBase(first + count))
        {
            count++;
        }

        var source = map.Base!;
        var run = destination[..(count * StoreLimits.BlockBytes)];
        string? problem = null;
        var damaged = 0;
        try
        {
            damaged = source.ReadChecksums(first, checksums[..count]);
            if (damaged >= 0)
            {
                problem = "its entry in base.crc does not match its checksum";
            }
            else if (damaged < -1)
            {
                (problem, damaged) = ($"its entry in base.crc: {Disk.Posix.Describe(-damaged - 1)}", 0);
            }
            else
            {
                var read = source.Image.File.Read(run, first << StoreLimits.BlockShift);
                damaged = read < 0 ? 0 : FindDamaged(run, read, checksums);
                problem = read < 0 ? Disk.Posix.Describe(-read) : damaged < 0 ? null : "its content does not match its checksum";
            }
        }
        catch (ObjectDisposedException)
        {
            problem = "its file is closed";
        }

        if (problem is null)
        {
            return run.Length;
        }

        return throwing && map.Get(first + damaged, out _).IsUnmapped
            ? throw Unreadable(source.Image.File.Path, (first + damaged) << StoreLimits.BlockShift, first + damaged, problem)
            : 0;
    }

    private static int FindDamaged(Span<byte> run, int read, ReadOnlySpan<uint> checksums)
    {
        for (var i = 0; i < run.Length / StoreLimits.BlockBytes; i++)
        {
            var data = run.Slice(i * StoreLimits.BlockBytes, StoreLimits.BlockBytes);
            if (read < (i + 1) * StoreLimits.BlockBytes || Crc32C.Compute(data) != checksums[i])
            {
                data.Clear();
                return i;
            }
        }

        return -1;
    }

    private static int TryReadRun(LayerTable layers, BlockLocation start, Span<byte> run, ReadOnlySpan<uint> checksums, out string? problem)
    {
        problem = null;
        if (layers.Find(start.Slot) is not { } layer)
        {
            problem = "its file is closed";
            return 0;
        }

        int read;
        try
        {
            read = layer.File.Read(run, start.Offset);
        }
        catch (ObjectDisposedException)
        {
            // Closed between look-up and use: the caller looks again.
            problem = "its file is closed";
            return 0;
        }

        if (read < 0)
        {
            problem = Disk.Posix.Describe(-read);
            return 0;
        }

        var damaged = FindDamaged(run, read, checksums);
        problem = damaged < 0 ? null : "its content does not match its checksum";
        return damaged;
    }

    private static void Throw(LayerTable layers, BlockLocation start, long block, int index, string? problem)
    {
        throw Unreadable(layers.Find(start.Slot)?.File.Path ?? "a closed file", start.Offset + ((long)index * StoreLimits.BlockBytes), block, problem);
    }

    private static BlockDeviceException Unreadable(string path, long offset, long block, string? problem) =>
        new(BlockError.IO, $"Block {block} (byte {block * StoreLimits.BlockBytes} of the volume, byte {offset} of {path}) cannot be read: {problem}.");
}
