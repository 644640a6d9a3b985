using Dr.Edge.Volumes.Disk;
using Dr.Edge.Volumes.Format;
using Dr.Edge.Volumes.Mapping;

namespace Dr.Edge.Volumes.Rebuilding;

/// <summary>Reads a volume's directory without changing anything in it: every superblock copy, every manifest record, every batch of every layer.</summary>
internal sealed class EvidenceReader(string directory, StoreFaults faults, Action<long, long> progress, CancellationToken cancellationToken)
{
    private readonly List<(long Number, ManifestState State, string Where)> _records = [];
    private long _done;
    private long _total;

    /// <summary>Name and origin of a volume that cannot be opened, as far as a small look tells. Never throws.</summary>
    public static (string? Name, CloneOrigin? Origin) Glance(string directory, StoreFaults faults)
    {
        try
        {
            var reader = new EvidenceReader(directory, faults, (_, _) => { }, CancellationToken.None);
            var id = new VolumeId(Guid.ParseExact(Path.GetFileName(directory), "N"));
            var (superblock, _, mark) = reader.ReadSuperblock(id);
            reader.ReadManifest(id, mark);
            var state = reader._records.Where(record => record.State.Volume == id).OrderBy(record => record.Number).LastOrDefault().State;
            return (state?.Name, superblock?.Origin ?? state?.Identity?.Origin);
        }
        catch (Exception exception) when (exception is DrException or IOException or FormatException)
        {
            return (null, null); // It is damaged: less is known, and nothing else follows.
        }
    }

    public RebuildEvidence Read()
    {
        var id = new VolumeId(Guid.ParseExact(Path.GetFileName(Path.TrimEndingDirectorySeparator(directory)), "N"));
        var layersDirectory = Path.Combine(directory, "layers");
        var paths = Directory.Exists(layersDirectory) ? Directory.GetFiles(layersDirectory, "*.log") : [];
        _total = paths.Sum(path => new FileInfo(path).Length);
        var (superblock, copies, mark) = ReadSuperblock(id);
        var manifestDamage = ReadManifest(id, mark);
        var size = superblock?.VolumeBytes ?? 0;
        var layers = new List<FoundLayer>();
        foreach (var path in paths)
        {
            if (long.TryParse(Path.GetFileNameWithoutExtension(path), NumberStyles.None, CultureInfo.InvariantCulture, out var number))
            {
                layers.Add(ReadLayer(id, path, number));
            }
        }

        var (found, damage, bytes) = ReadBase(Math.Max(size, _records.Count == 0 ? 0 : _records.Max(record => record.State.SizeBytes)));
        return new RebuildEvidence
        {
            Id = id,
            Superblock = superblock,
            SuperblockCopies = copies,
            Mark = mark,
            Records = [.. _records.Where(record => record.State.Volume == id).OrderBy(record => record.Number)],
            ManifestDamage = manifestDamage,
            Layers = [.. layers.OrderBy(layer => layer.Number)],
            Base = found,
            BaseDamage = damage,
            BaseBytes = bytes,
        };
    }

    private (Superblock? Best, int Copies, FlushMark Mark) ReadSuperblock(VolumeId id)
    {
        var content = ReadWhole(Path.Combine(directory, Volume.SuperblockName));
        var copies = new List<Superblock>();
        for (var i = 0; i < Superblock.CopyCount && content.Length >= (i * Superblock.CopyBytes) + Superblock.SizeBytes; i++)
        {
            if (Superblock.Read(content.AsSpan(i * Superblock.CopyBytes, Math.Min(Superblock.CopyBytes, content.Length - (i * Superblock.CopyBytes)))) is { } copy && copy.Id == id)
            {
                copies.Add(copy);
            }
        }

        var best = copies.MaxBy(copy => copy.Sequence);
        var mark = content.Length > FlushMark.FileOffset ? FlushMark.Read(content.AsSpan(FlushMark.FileOffset)) : default;
        return (best, copies.Count(copy => copy == best), mark);
    }

    private string? ReadManifest(VolumeId id, FlushMark mark)
    {
        var path = Path.Combine(directory, Volume.ManifestName);
        var content = ReadWhole(path);
        ReadRecords(content, path);
        long expected = 0;
        var position = 0;
        while (position < content.Length && ManifestRecord.TryRead(content.AsSpan(position), out var number, out var length) is { } state && state.Volume == id && (expected == 0 || number == expected + 1))
        {
            expected = number;
            position += length;
        }

        var newest = _records.Where(record => record.State.Volume == id).Select(record => record.Number).DefaultIfEmpty(0).Max();
        return content.Length == 0 ? "it is missing or empty"
            : expected == 0 ? "its first record is not right"
            : expected < newest ? $"record {expected + 1} at byte {position} is not right, and record {newest} follows"
            : expected < mark.ManifestRecords ? $"record {expected + 1} at byte {position} is not right, and record {mark.ManifestRecords} was durable"
            : null;
    }

    /// <summary>Every right record in a piece of a file, wherever it begins.</summary>
    private void ReadRecords(ReadOnlySpan<byte> content, string where)
    {
        for (var next = content.IndexOf("DRR1"u8); next >= 0; next = content.IndexOf("DRR1"u8))
        {
            content = content[next..];
            if (ManifestRecord.TryRead(content, out var number, out var length) is { } state)
            {
                _records.Add((number, state, where));
                content = content[length..];
            }
            else
            {
                content = content[1..];
            }
        }
    }

    private FoundLayer ReadLayer(VolumeId id, string path, long number)
    {
        using var file = DurableFile.Open(path, FileMode.Open, faults);
        var header = new byte[LayerHeader.SizeBytes];
        LayerHeader read = default;
        var hasHeader = file.Read(header, 0) == header.Length && LayerHeader.TryRead(header, out read) && read.VolumeId == id.Guid && read.Number == number;
        var found = new FoundLayer
        {
            Number = number,
            Path = path,
            HasHeader = hasHeader,
            End = LayerHeader.SizeBytes,
            Compacted = hasHeader && read.CompactedLast > 0 ? (read.CompactedAfter, read.CompactedLast) : null,
        };
        var damage = new List<string>();
        var generations = new List<GenerationSpan>();
        var scanner = new LayerScanner(file, id, StoreLimits.MaxVolumeBytes / StoreLimits.BlockBytes, StartOf(id, file, path, number), file.Length);
        while (scanner.TryNext() && (found.First == 0 || scanner.Header.FirstSequence == found.Last + 1))
        {
            cancellationToken.ThrowIfCancellationRequested();
            found = Add(found, scanner, generations);
            if (scanner.FindDamagedBlock() is var block && block >= 0)
            {
                damage.Add($"{path}, byte {scanner.DataFileOffset + ((long)block * StoreLimits.BlockBytes)}: data of write {scanner.Header.FirstSequence} or later does not match its checksum");
            }

            progress(_done + scanner.NextOffset, _total);
        }

        _done += file.Length;
        var (indexedLast, unreadable) = ReadBehind(file, path, number, found.End);
        return found with { Generations = generations, Damage = damage, IndexedLast = indexedLast, Unreadable = unreadable };
    }

    /// <summary>
    /// Where the layer's batches begin. One that was on its way into the base has a hole before that: the newest record says how far it had come, or the copy of a record that lies behind its index, which
    /// was written before any space was given back.
    /// </summary>
    private long StartOf(VolumeId id, DurableFile file, string path, long number)
    {
        var first = new byte[BatchHeader.SizeBytes];
        if (file.Read(first, LayerHeader.SizeBytes) == first.Length && !BatchHeader.TryRead(first, out _) && MovedTo(id, number) is null && FindIndex(file, number) is { } end)
        {
            _ = ReadBehind(file, path, number, end);
        }

        return MovedTo(id, number) ?? LayerHeader.SizeBytes;
    }

    private long? MovedTo(VolumeId id, long number)
    {
        var newest = _records.Where(record => record.State.Volume == id).DefaultIfEmpty().MaxBy(record => record.Number).State;
        return newest?.Merging == number ? newest.MergedTo : null;
    }

    /// <summary>Where this layer's index begins; null when there is none.</summary>
    private static long? FindIndex(DurableFile file, long number)
    {
        var window = new byte[1 << 20];
        for (long offset = 0; offset < file.Length; offset += window.Length - LayerIndex.HeaderBytes)
        {
            var content = window.AsSpan(0, Math.Max(file.Read(window, offset), 0));
            for (var at = content.IndexOf("DRI1"u8); at >= 0;)
            {
                if (LayerIndex.TryReadAny(content[at..], number, out _, out _))
                {
                    return offset + at;
                }

                var next = content[(at + 1)..].IndexOf("DRI1"u8);
                at = next < 0 ? -1 : at + 1 + next;
            }
        }

        return null;
    }

    private static FoundLayer Add(FoundLayer found, LayerScanner scanner, List<GenerationSpan> generations)
    {
        var header = scanner.Header;
        var highest = found.HighestBlock;
        for (var i = 0; i < header.ExtentCount; i++)
        {
            var extent = BatchReader.Descriptor(scanner.Section, i);
            highest = Math.Max(highest, extent.FirstBlock + extent.BlockCount - 1);
        }

        var isDelta = header.Generation == Guid.Empty;
        if (!isDelta && (generations.Count == 0 || generations[^1].Generation.Guid != header.Generation))
        {
            generations.Add(new GenerationSpan(new Generation(header.Generation), new SequenceNumber(header.FirstSequence - 1)));
        }

        return found with
        {
            IsDelta = isDelta,
            First = found.First == 0 ? header.FirstSequence : found.First,
            FirstPrevious = found.First == 0 ? header.PreviousChecksum : found.FirstPrevious,
            FirstAt = found.First == 0 ? header.At : found.FirstAt,
            Last = Math.Max(header.FirstSequence, header.LastSequence),
            LastAt = header.At,
            LastChecksum = header.HeaderChecksum,
            Durable = isDelta ? 0 : Math.Max(found.Durable, header.Durable),
            End = scanner.NextOffset,
            HighestBlock = highest,
        };
    }

    /// <summary>The index behind the batches and the copy of a manifest record behind it.</summary>
    private (long Last, long Unreadable) ReadBehind(DurableFile file, string path, long number, long end)
    {
        var header = new byte[LayerIndex.HeaderBytes];
        if (file.Read(header, end) == header.Length && LayerIndex.TryReadAny(header, number, out var last, out var count))
        {
            var behind = end + LayerIndex.HeaderBytes + (count * LayerIndex.EntryBytes);
            var rest = new byte[Math.Clamp(file.Length - behind, 0, StoreLimits.MaxManifestRecordBytes + ManifestRecord.HeaderBytes)];
            var read = rest.Length == 0 ? 0 : file.Read(rest, behind);
            ReadRecords(rest.AsSpan(0, Math.Max(read, 0)), path);
            return (last, 0);
        }

        return (0, IsZeros(file, end) ? 0 : file.Length - end);
    }

    /// <summary>Room that was taken ahead of writes and never used says nothing.</summary>
    private static bool IsZeros(DurableFile file, long from)
    {
        var window = new byte[64 * 1024];
        for (var offset = from; offset < file.Length; offset += window.Length)
        {
            var read = file.Read(window, offset);
            if (read < 0 || window.AsSpan(0, read).IndexOfAnyExcept((byte)0) >= 0)
            {
                return false;
            }
        }

        return true;
    }

    private ((long Blocks, ulong Sum)? Found, List<string> Damage, long Bytes) ReadBase(long sizeBytes)
    {
        var damage = new List<string>();
        var data = Path.Combine(directory, "base.img");
        var checksums = Path.Combine(directory, "base.crc");
        if (!File.Exists(data) || !File.Exists(checksums))
        {
            return (null, damage, 0);
        }

        using var image = DurableFile.Open(data, FileMode.Open, faults);
        using var entries = DurableFile.Open(checksums, FileMode.Open, faults);
        var length = Math.Max(sizeBytes / StoreLimits.BlockBytes * BaseImage.EntryBytes, entries.Length);
        var counted = BaseAudit.Read(image, entries, length / BaseImage.EntryBytes, damage, cancellationToken);
        return (counted, damage, image.Length);
    }

    private byte[] ReadWhole(string path)
    {
        if (!File.Exists(path))
        {
            return [];
        }

        using var file = DurableFile.Open(path, FileMode.Open, faults);
        var content = new byte[file.Length];
        var read = file.Read(content, 0);
        return content[..Math.Max(read, 0)];
    }
}
