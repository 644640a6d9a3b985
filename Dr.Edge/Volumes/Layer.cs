using Dr.Edge.Volumes.Disk;
using Dr.Edge.Volumes.Format;

namespace Dr.Edge.Volumes;

/// <summary>A layer in use: its record, its open file, and while it is the head the end of what is appended.</summary>
internal sealed class Layer(LayerRecord record, LayerFile file, long tail)
{
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

    public static string PathOf(string directory, long number) => Path.Combine(directory, "layers", $"{number}.log");

    public LayerScanner Scan(ManifestState state, long start = LayerHeader.SizeBytes) =>
        new(File.File, state.Volume, state.SizeBytes / StoreLimits.BlockBytes, start, Tail);

    /// <summary>Puts the layer's last versions over what <paramref name="map"/> holds. Sealed layers only.</summary>
    public void ApplyTo(BlockMap map, ManifestState state)
    {
        foreach (var entry in ReadEntries(state))
        {
            if (entry.IsZero)
            {
                map.Clear(entry.FirstBlock, entry.BlockCount);
            }
            else
            {
                map.Set(entry.FirstBlock, new BlockLocation(File.Slot, entry.FileOffset), entry.Checksum);
            }
        }
    }

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
                map.Clear(extent.FirstBlock, extent.BlockCount);
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

    /// <summary>The last version of everything in a sealed layer: from its index, or from its batches when the index is missing or damaged.</summary>
    public IReadOnlyList<LayerIndex.Entry> ReadEntries(ManifestState state) => TryReadIndex() ?? BuildIndex(state);

    /// <summary>Entries of the index; null when there is none or it is damaged.</summary>
    public List<LayerIndex.Entry>? TryReadIndex()
    {
        var header = new byte[LayerIndex.HeaderBytes];
        if (File.File.Read(header, Record.LengthBytes) < header.Length)
        {
            return null;
        }

        var count = LayerIndex.ReadHeader(header, Record.Number, Record.Last, out var checksum);
        if (count < 0 || (count * LayerIndex.EntryBytes) > Math.Min(Array.MaxLength, File.File.Length - Record.LengthBytes - LayerIndex.HeaderBytes))
        {
            return null;
        }

        var bytes = new byte[count * LayerIndex.EntryBytes];
        if (File.File.Read(bytes, Record.LengthBytes + LayerIndex.HeaderBytes) < bytes.Length || Crc32C.Compute(bytes) != checksum)
        {
            return null;
        }

        var entries = new List<LayerIndex.Entry>((int)count);
        for (var offset = 0; offset < bytes.Length; offset += LayerIndex.EntryBytes)
        {
            entries.Add(LayerIndex.Entry.Read(bytes.AsSpan(offset)));
        }

        return entries;
    }

    public List<LayerIndex.Entry> BuildIndex(ManifestState state)
    {
        var contents = new LayerContents(state.SizeBytes / StoreLimits.BlockBytes);
        var scanner = Scan(state);
        while (scanner.TryNext())
        {
            contents.Apply(scanner.Header, scanner.Section, scanner.DataFileOffset);
        }

        return scanner.Problem is { } problem
            ? throw new CorruptDataException(File.File.Path, scanner.Offset, problem, "something else")
            : contents.ToEntries();
    }

    /// <summary>Writes the index behind the last batch. Not flushed: a torn one is found by its checksum and made again.</summary>
    public void WriteIndex(ManifestState state)
    {
        File.File.Write(LayerIndex.Encode(Record.Number, Record.Last, BuildIndex(state)), Record.LengthBytes);
        StoreFaults.Pass(CrashPoints.IndexWritten);
    }
}
