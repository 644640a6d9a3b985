using System.Buffers;
using Dr.Edge.Volumes.Disk;
using Dr.Edge.Volumes.Format;
using Dr.Edge.Volumes.Mapping;

namespace Dr.Edge.Volumes;

/// <summary>A layer in use: its record, its open file, and while it is the head the end of what is appended.</summary>
internal sealed class Layer(LayerRecord record, LayerFile file, long tail)
{
    // Below the size from which the runtime's collector counts an array as large: one of those with every point would have it walk all maps every few points.
    private const int EntryBufferBytes = 64 * 1024;
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
    public bool IsIndexed => Fences is not null;

    /// <summary>What parts of its index are found and checked with; null as long as nobody has read all of it.</summary>
    public IndexFences? Fences { get; set; }

    public static string PathOf(string directory, long number) => Path.Combine(directory, "layers", $"{number}.log");

    /// <summary>Where its batches begin: behind the header, or, while it moves into the base, behind what is there already. What lies before may be a hole.</summary>
    public long Start(ManifestState state) => state.Merging == Record.Number ? state.MergedTo ?? LayerHeader.SizeBytes : LayerHeader.SizeBytes;

    public LayerScanner Scan(ManifestState state) => Scan(state, Start(state));

    public LayerScanner Scan(ManifestState state, long start) =>
        new(File.File, state.Volume, state.SizeBytes / StoreLimits.BlockBytes, start, Tail);

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
    /// The last version of everything in a sealed layer, in ascending order, streamed through a small buffer: from its index, or from its batches when that is missing or damaged. Each part is checked before
    /// anything of it is handed out. Data that the base has already (<see cref="Start"/>) is left out.
    /// </summary>
    public IEnumerable<LayerIndex.Entry> ReadEntries(ManifestState state)
    {
        var source = IndexSource.Of(this, state);
        var buffer = ArrayPool<byte>.Shared.Rent(IndexSource.BufferBytes);
        try
        {
            long from = 0;
            for (var (piece, endPiece) = source.Find(0, long.MaxValue); piece < endPiece;)
            {
                var next = Math.Min(piece + IndexSource.ReadPieces, endPiece);
                if (!source.TryRead(piece, next, buffer, out var entries))
                {
                    (piece, endPiece) = source.Find(from, long.MaxValue);
                    continue;
                }

                for (; !entries.IsEmpty; entries = entries[LayerIndex.EntryBytes..])
                {
                    // Those before come again when the batches are read instead.
                    if (LayerIndex.Entry.Read(entries.Span) is var entry && entry.FirstBlock >= from && !source.HasMoved(entry))
                    {
                        from = entry.FirstBlock + entry.BlockCount;
                        yield return entry;
                    }
                }

                piece = next;
            }
        }
        finally
        {
            ArrayPool<byte>.Shared.Return(buffer);
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

        foreach (var entry in ReadEntries(state with { Merging = null }).Where(entry => !entry.IsZero && entry.FileOffset < start))
        {
            yield return entry;
        }
    }

    /// <summary>Whether an index was ever finished here: its header is written last, and until then its place is room or a hole.</summary>
    public bool HasIndexHeader
    {
        get
        {
            Span<byte> header = stackalloc byte[LayerIndex.HeaderBytes];
            return File.File.Read(header, Record.LengthBytes) > 0 && header.ContainsAnyExcept((byte)0);
        }
    }

    /// <summary>Whether there is an index and it is undamaged.</summary>
    public bool HasIndex(ManifestState state) => IndexFences.TryRead(this, state.SizeBytes / StoreLimits.BlockBytes) is not null;

    /// <summary>Reads the index as a whole; false, and <see cref="IsIndexed"/> no more, when there is none or it is damaged.</summary>
    public bool FindIndex(ManifestState state)
    {
        Fences = IndexFences.TryRead(this, state.SizeBytes / StoreLimits.BlockBytes);
        return IsIndexed;
    }

    /// <summary>What an index of the batches up to a position has: the bytes of its entries.</summary>
    public byte[] EntriesOfBatches(ManifestState state, long upTo = long.MaxValue)
    {
        using var contents = ReadContents(state, upTo);
        var entries = new MemoryStream();
        Span<byte> bytes = stackalloc byte[LayerIndex.EntryBytes];
        foreach (var entry in contents.Entries())
        {
            entry.Write(bytes);
            entries.Write(bytes);
        }

        return entries.ToArray();
    }

    /// <summary>What all the batches up to a position say together; dispose it.</summary>
    public LayerContents ReadContents(ManifestState state, long upTo = long.MaxValue)
    {
        var contents = new LayerContents(state.SizeBytes / StoreLimits.BlockBytes);
        var scanner = Scan(state);
        while (scanner.TryNext() && scanner.Header.LastSequence <= upTo)
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
        FindIndex(state);
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
