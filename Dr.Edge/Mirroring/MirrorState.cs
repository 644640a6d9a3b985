using System.Buffers.Binary;
using System.IO.Hashing;
using System.Text;

namespace Dr.Edge.Mirroring;

/// <summary>
/// What a block mirror knows of its volume: a hash of every chunk that is equal at both ends and durable in the volume, and how far the pass under way has come. Written to disk with a checksum over all of it; a file that does not
/// check is as good as none, and the contents are compared instead. The format is in <c>mirror-state.md</c>.
/// </summary>
internal sealed class MirrorState
{
    /// <summary>Bytes that share one hash.</summary>
    public const int ChunkBytes = 64 * 1024;

    public const int HashBytes = 16;

    /// <summary>The hash of a chunk of which nothing is known.</summary>
    private const int FormatVersion = 1;

    private static readonly byte[] Magic = "DRMIRR\r\n"u8.ToArray();

    private readonly byte[] _hashes;

    public MirrorState(string source, long sizeBytes, string volume)
        : this(source, sizeBytes, volume, new byte[checked((int)(ChunkCountOf(sizeBytes) * HashBytes))])
    {
    }

    private MirrorState(string source, long sizeBytes, string volume, byte[] hashes) => (Source, SizeBytes, Volume, _hashes) = (source, sizeBytes, volume, hashes);

    /// <summary>Path of what is mirrored.</summary>
    public string Source { get; }

    public long SizeBytes { get; }

    /// <summary>Id of the volume.</summary>
    public string Volume { get; }

    /// <summary>The volume's last write when this was true; another one means that somebody else wrote, and nothing is known any more. -1 = not known.</summary>
    public long Position { get; set; } = -1;

    /// <summary>First chunk that the pass under way has not looked at; 0 = none is under way.</summary>
    public long Cursor { get; set; }

    /// <summary>What the source's marks of change were when the last whole pass began; null = not known.</summary>
    public string? Mark { get; set; }

    public long ChunkCount => ChunkCountOf(SizeBytes);

    public Span<byte> HashOf(long chunk) => _hashes.AsSpan(checked((int)(chunk * HashBytes)), HashBytes);

    /// <summary>A hash of zeros stands for "not known"; of real content that has a chance of 2^-128.</summary>
    public bool IsKnown(long chunk) => HashOf(chunk).ContainsAnyExcept((byte)0);

    public void Forget()
    {
        Array.Clear(_hashes);
        Cursor = 0;
        Mark = null;
    }

    public void Write(string path)
    {
        using var buffer = new MemoryStream(_hashes.Length + 1024);
        using (var writer = new BinaryWriter(buffer, Encoding.UTF8, leaveOpen: true))
        {
            writer.Write(Magic);
            writer.Write(FormatVersion);
            writer.Write(SizeBytes);
            writer.Write(Position);
            writer.Write(Cursor);
            writer.Write(Source);
            writer.Write(Volume);
            writer.Write(Mark ?? "");
            writer.Write(_hashes.Length);
            writer.Write(_hashes);
        }

        var content = buffer.GetBuffer().AsSpan(0, (int)buffer.Length);
        Span<byte> check = stackalloc byte[8];
        BinaryPrimitives.WriteUInt64LittleEndian(check, XxHash3.HashToUInt64(content));
        using (var file = new FileStream(path + ".new", FileMode.Create, FileAccess.Write))
        {
            file.Write(content);
            file.Write(check);
            file.Flush(flushToDisk: true);
        }

        File.Move(path + ".new", path, overwrite: true);
    }

    /// <summary>Null when there is no file, or none that can be believed.</summary>
    public static MirrorState? Read(string path)
    {
        if (!File.Exists(path))
        {
            return null;
        }

        var all = File.ReadAllBytes(path);
        if (all.Length < Magic.Length + 8 || !all.AsSpan(0, Magic.Length).SequenceEqual(Magic) || BinaryPrimitives.ReadUInt64LittleEndian(all.AsSpan(all.Length - 8)) != XxHash3.HashToUInt64(all.AsSpan(0, all.Length - 8)))
        {
            return null;
        }

        using var reader = new BinaryReader(new MemoryStream(all, Magic.Length, all.Length - Magic.Length - 8), Encoding.UTF8);
        if (reader.ReadInt32() != FormatVersion)
        {
            return null;
        }

        var (size, position, cursor) = (reader.ReadInt64(), reader.ReadInt64(), reader.ReadInt64());
        var (source, volume, mark) = (reader.ReadString(), reader.ReadString(), reader.ReadString());
        var hashes = reader.ReadBytes(reader.ReadInt32());
        return hashes.Length == ChunkCountOf(size) * HashBytes ? new MirrorState(source, size, volume, hashes) { Position = position, Cursor = cursor, Mark = mark.Length > 0 ? mark : null } : null;
    }

    private static long ChunkCountOf(long bytes) => (bytes + ChunkBytes - 1) / ChunkBytes;
}
