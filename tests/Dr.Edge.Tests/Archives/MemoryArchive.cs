using Dr.Contracts.Ids;
using Dr.Edge.Archives.Format;
using Dr.Edge.Archives.Reading;
using Dr.Edge.Archives.Writing;

namespace Dr.Edge.Tests.Archives;

/// <summary>Parts in memory, written and read by the real writer and reader.</summary>
internal sealed class MemoryArchive : IArchiveTarget
{
    private MemoryPart? _open;

    /// <summary>The whole parts, as bytes that a test may change.</summary>
    public List<byte[]> Parts { get; } = [];

    public ArchiveCatalogue? Catalogue { get; private set; }

    public IReadOnlyList<ArchivePart> WholeParts => [.. Parts.Select((bytes, i) => ArchivePart.Read(new MemoryInput($"part {i + 1}", bytes), 0, bytes.Length, i + 1))];

    public static ArchiveDescription Describe(long partBytes, bool compressed = false, string name = "a") => new()
    {
        Name = name,
        Volume = new VolumeId(new Guid(1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11)),
        VolumeName = "v",
        Generation = "00112233445566778899aabbccddeeff",
        Sequence = 7,
        At = DateTimeOffset.UnixEpoch,
        Point = new PointId(0x1122334455667788),
        Label = "before the move",
        CreatedAt = DateTimeOffset.UnixEpoch.AddDays(1),
        PartBytes = partBytes,
        Compressed = compressed,
    };

    public IArchiveOutput BeginPart(int number) => _open = new MemoryPart();

    public string EndPart()
    {
        Parts.Add([.. _open!.Bytes]);
        _open = null;
        return $"part {Parts.Count}";
    }

    public void Complete(ArchiveCatalogue catalogue) => Catalogue = catalogue;

    public void Dispose()
    {
    }

    /// <summary>What a directory with these parts would be.</summary>
    public static ArchiveSet Set(IReadOnlyList<(int Number, byte[] Bytes)> files)
    {
        var findings = new List<ArchiveFinding>();
        var parts = files.Select(file => ArchivePart.Read(new MemoryInput($"a.{file.Number:0000}.drarchive", file.Bytes), 0, file.Bytes.Length, file.Number)).ToList();
        return new ArchiveSet("memory", "a", ArchiveLocator.Choose(parts, null, findings), findings, null, []);
    }

    /// <summary>What a file with all of them, one behind another, would be.</summary>
    public static ArchiveSet File(byte[] bytes)
    {
        var findings = new List<ArchiveFinding>();
        return new ArchiveSet("a.dra", "a", ArchiveLocator.Choose(FileParts.Find(new MemoryInput("a.dra", bytes), bytes.Length), null, findings), findings, null, []);
    }

    private sealed class MemoryPart : IArchiveOutput
    {
        public List<byte> Bytes { get; } = [];

        public void Append(ReadOnlySpan<byte> data) => Bytes.AddRange(data);
    }
}

internal sealed class MemoryInput(string where, byte[] bytes) : IArchiveInput
{
    public string Where => where;

    public long Length => bytes.Length;

    /// <summary>Pages that answer with an error, as a bad place of a medium does.</summary>
    public HashSet<long> BadPages { get; } = [];

    public int Read(Span<byte> destination, long offset)
    {
        var end = offset + destination.Length;
        if (BadPages.Any(page => page * 4096 < end && (page + 1) * 4096 > offset))
        {
            return -5;
        }

        var length = (int)Math.Clamp(bytes.Length - offset, 0, destination.Length);
        bytes.AsSpan((int)Math.Min(offset, bytes.Length), length).CopyTo(destination);
        return length;
    }

    public void Dispose()
    {
    }
}
