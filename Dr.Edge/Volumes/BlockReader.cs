using Dr.Edge.Volumes.Format;

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
            var count = 1;
            while (count < maxBlocks)
            {
                var next = map.Get(first + count, out checksums[count]);
                if (start.IsZero ? !next.IsZero : next.Value != start.Value + ((ulong)count << StoreLimits.BlockShift))
                {
                    break;
                }

                count++;
            }

            var run = destination[..(count * StoreLimits.BlockBytes)];
            if (start.IsZero)
            {
                run.Clear();
                return run.Length;
            }

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

        for (var i = 0; i < run.Length / StoreLimits.BlockBytes; i++)
        {
            var data = run.Slice(i * StoreLimits.BlockBytes, StoreLimits.BlockBytes);
            if (read < (i + 1) * StoreLimits.BlockBytes || Crc32C.Compute(data) != checksums[i])
            {
                problem = "its content does not match its checksum";
                data.Clear();
                return i;
            }
        }

        return -1;
    }

    private static void Throw(LayerTable layers, BlockLocation start, long block, int index, string? problem)
    {
        var path = layers.Find(start.Slot)?.File.Path ?? "a closed file";
        throw new BlockDeviceException(
            BlockError.IO,
            $"Block {block} (byte {block * StoreLimits.BlockBytes} of the volume, byte {start.Offset + ((long)index * StoreLimits.BlockBytes)} of {path}) cannot be read: {problem}.");
    }
}
