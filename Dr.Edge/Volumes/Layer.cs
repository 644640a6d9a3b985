using Dr.Edge.Volumes.Disk;
using Dr.Edge.Volumes.Format;
using Dr.Edge.Volumes.Mapping;

namespace Dr.Edge.Volumes;

/// <summary>A layer in use: its record, its open file, and while it is the head the end of what is appended.</summary>
internal sealed class Layer(LayerRecord record, LayerFile file, long tail)
{
    private const int EntryBufferBytes = 256 * 1024;
    private long _tail = tail;

    public LayerRecord Record { get; set; } = record;

    public LayerFile File { get; } = file;

    /// <summary>End of the last whole batch. Read without a lock; written under the volume's append lock.</summary>
    public long Tail
    {
        get => Volatile.Read(ref _tail);
        set => Volatile.Write(ref _tail, value);
    }

    /// <summary>End of the zeros that were written ahead of <see cref="Tail"/>, where it is more. Under the volume's append lock.</summary>
    public long RoomEnd { get; set; }

    /// <summary>What lies before it was given to the disk already. Under the volume's append lock.</summary>
    public long BehindTo { get; set; }

    /// <summary>Its index was found right, or written, since the volume was opened: no need to look again at every point.</summary>
    public bool IsIndexed { get; set; }

    public static string PathOf(string directory, long number) => Path.Combine(directory, "layers", $"{number}.log");

    /// <summary>Where its batches begin: behind the header, or, while it moves into the base, behind what is there already. What lies before may be a hole.</summary>
    public long Start(ManifestState state) => state.Merging == Record.Number ? state.MergedTo ?? LayerHeader.SizeBytes : LayerHeader.SizeBytes;

    public LayerScanner Scan(ManifestState state) => Scan(state, Start(state));

    public LayerScanner Scan(ManifestState state, long start) =>
        new(File.File, state.Volume, state.SizeBytes / StoreLimits.BlockBytes, start, Tail);

    /// <summary>Puts the batches up to a position or moment over <paramref name="map"/>, in order; returns the last position taken and its time.</summary>
    public (long Last, DateTimeOffset At) ApplyTo(BlockMap map, ManifestState state, long upTo, DateTimeOffset upToTime)
    {
        var scanner = Scan(state);
        (long, DateTimeOffset) reached = (Record.After, default);
        while (scanner.TryNext() && scanner.Header.LastSequence <= upTo && scanner.Header.At <= upToTime)
        {
            ApplyBatch(map, scanner.Header, scanner.Section, scanner.DataFileOffset);
            reached = (scanner.Header.LastSequence, scanner.Header.At);
        }

        if (scanner.Problem is { } problem)
        {
            throw new CorruptDataException(File.File.Path, scanner.Offset, problem, "something else");
        }

        return reached;
    }

    public void ApplyBatch(BlockMap map, in BatchHeader header, ReadOnlySpan<byte> section, long dataFileOffset)
    {
        var checksums = BatchReader.Checksums(header, section);
        var dataIndex = 0;
        for (var i = 0; i < header.ExtentCount; i++)
        {
            var extent = BatchReader.Descriptor(section, i);
            if (extent.Kind == ExtentKind.Zero)
            {
                map.Clear(extent.FirstBlock, extent.BlockCount, File.Slot);
                continue;
            }

            for (var block = 0; block < extent.BlockCount; block++, dataIndex++)
            {
                map.Set(
                    extent.FirstBlock + block,
                    new BlockLocation(File.Slot, dataFileOffset + ((long)dataIndex * StoreLimits.BlockBytes)),
                    BatchReader.Checksum(checksums, dataIndex));
            }
        }
    }

    /// <summary>
    /// The last version of everything in a sealed layer, in ascending order, streamed through a small buffer: from its index, or from its batches when that is missing or damaged. The index is read
    /// twice, so that nothing of a damaged one is ever handed out. Data that the base has already (<see cref="Start"/>) is left out.
    /// </summary>
    public IEnumerable<LayerIndex.Entry> ReadEntries(ManifestState state)
    {
        var cursor = HasIndex(state) ? IndexCursor.TryOpen(this, state, EntryBufferBytes)! : IndexCursor.FromBatches(this, state);
        while (cursor.TryTake(long.MaxValue, out var entry))
        {
            yield return entry;
        }
    }

    /// <summary>The data that <see cref="ReadEntries"/> leaves out because the base has it; nothing when there is no right index to say so.</summary>
    public IEnumerable<LayerIndex.Entry> ReadMovedEntries(ManifestState state)
    {
        var start = Start(state);
        if (start == LayerHeader.SizeBytes || !HasIndex(state))
        {
            yield break;
        }

        var cursor = IndexCursor.TryOpen(this, state with { Merging = null }, EntryBufferBytes)!;
        while (cursor.TryTake(long.MaxValue, out var entry))
        {
            if (!entry.IsZero && entry.FileOffset < start)
            {
                yield return entry;
            }
        }
    }

    /// <summary>Whether there is an index and it is undamaged.</summary>
    public bool HasIndex(ManifestState state) => IndexCursor.TryOpen(this, state, EntryBufferBytes)?.Verify() ?? false;

    /// <summary>What all the batches together say; dispose it.</summary>
    public LayerContents ReadContents(ManifestState state)
    {
        var contents = new LayerContents(state.SizeBytes / StoreLimits.BlockBytes);
        var scanner = Scan(state);
        while (scanner.TryNext())
        {
            contents.Apply(scanner.Header, scanner.Section, scanner.DataFileOffset);
        }

        return scanner.Problem is { } problem
            ? throw new CorruptDataException(File.File.Path, scanner.Offset, problem, "something else")
            : contents;
    }

    /// <summary>Writes the index behind the last batch, the header last. Not flushed: a torn one is found by its checksum and made again.</summary>
    public void WriteIndex(ManifestState state)
    {
        using var contents = ReadContents(state);
        var buffer = new byte[EntryBufferBytes / LayerIndex.EntryBytes * LayerIndex.EntryBytes];
        var position = Record.LengthBytes + LayerIndex.HeaderBytes;
        var filled = 0;
        var checksum = 0u;
        void Flush()
        {
            checksum = Crc32C.Append(checksum, buffer.AsSpan(0, filled));
            File.File.Write(buffer.AsSpan(0, filled), position);
            position += filled;
            filled = 0;
        }

        foreach (var entry in contents.Entries())
        {
            entry.Write(buffer.AsSpan(filled));
            filled += LayerIndex.EntryBytes;
            if (filled == buffer.Length)
            {
                Flush();
            }
        }

        Flush();
        Span<byte> header = stackalloc byte[LayerIndex.HeaderBytes];
        LayerIndex.WriteHeader(header, Record.Number, Record.Last, (position - Record.LengthBytes - LayerIndex.HeaderBytes) / LayerIndex.EntryBytes, checksum);
        File.File.Write(header, Record.LengthBytes);
        IsIndexed = true;
        StoreFaults.Pass(CrashPoints.IndexWritten);
    }

    /// <summary>
    /// Puts a copy of a manifest record behind the index, so that points and their order can be found again when the manifest is lost. Not flushed, and never read but by a rebuild.
    /// </summary>
    public void WriteRecordCopy(ReadOnlySpan<byte> record)
    {
        var header = new byte[LayerIndex.HeaderBytes];
        if (File.File.Read(header, Record.LengthBytes) == header.Length && LayerIndex.TryReadAny(header, Record.Number, out _, out var entries))
        {
            File.File.Write(record, Record.LengthBytes + LayerIndex.HeaderBytes + (entries * LayerIndex.EntryBytes));
        }
    }
}
