using System.Buffers.Binary;
using System.Runtime.InteropServices;
using Dr.Edge.Volumes;
using Dr.Edge.Volumes.Format;

namespace Dr.Edge.Replication.Changes;

/// <summary>The file of a <see cref="ChangeMap"/>; <c>change-map.md</c> has the table.</summary>
internal static class ChangeMapCodec
{
    public const int BlocksOffset = 48;
    public const int HeaderBytes = 64;
    private const int ChunkHeadBytes = sizeof(uint);
    private const int ChunkBytes = ChangeBitmap.ChunkBlocks / 8;
    private const int ChecksumBytes = sizeof(uint);

    private static ReadOnlySpan<byte> Magic => "DRCHGMP1"u8;

    public static byte[] Encode(ChangeMap map)
    {
        var chunks = Enumerable.Range(0, map.Blocks.ChunkCount).Count(i => !map.Blocks.Chunk(i).IsEmpty);
        var file = new byte[HeaderBytes + (chunks * (ChunkHeadBytes + ChunkBytes)) + ChecksumBytes];
        Magic.CopyTo(file);
        BinaryPrimitives.WriteInt64LittleEndian(file.AsSpan(8), map.After.Value);
        BinaryPrimitives.WriteInt64LittleEndian(file.AsSpan(16), map.UpTo.Value);
        map.Generation.Guid.TryWriteBytes(file.AsSpan(24), bigEndian: true, out _);
        BinaryPrimitives.WriteInt64LittleEndian(file.AsSpan(BlocksOffset), map.Blocks.Blocks);
        BinaryPrimitives.WriteInt32LittleEndian(file.AsSpan(BlocksOffset + 8), chunks);
        var at = HeaderBytes;
        for (var i = 0; i < map.Blocks.ChunkCount; i++)
        {
            var bits = map.Blocks.Chunk(i);
            if (!bits.IsEmpty)
            {
                BinaryPrimitives.WriteInt32LittleEndian(file.AsSpan(at), i);
                MemoryMarshal.AsBytes(bits).CopyTo(file.AsSpan(at + ChunkHeadBytes));
                at += ChunkHeadBytes + ChunkBytes;
            }
        }

        BinaryPrimitives.WriteUInt32LittleEndian(file.AsSpan(at), Crc32C.Compute(file.AsSpan(0, at)));
        return file;
    }

    /// <summary>Null when it is damaged, or another version wrote it.</summary>
    /// <param name="blocks">Of the volume now, which may have grown since.</param>
    public static ChangeMap? Parse(ReadOnlySpan<byte> file, long blocks)
    {
        if (file.Length < HeaderBytes + ChecksumBytes || !file.StartsWith(Magic)
            || Crc32C.Compute(file[..^ChecksumBytes]) != BinaryPrimitives.ReadUInt32LittleEndian(file[^ChecksumBytes..]))
        {
            return null;
        }

        var (then, chunks) = (BinaryPrimitives.ReadInt64LittleEndian(file[BlocksOffset..]), BinaryPrimitives.ReadInt32LittleEndian(file[(BlocksOffset + 8)..]));
        if (then > blocks || chunks < 0 || file.Length != HeaderBytes + (chunks * (long)(ChunkHeadBytes + ChunkBytes)) + ChecksumBytes)
        {
            return null;
        }

        var changed = new ChangeBitmap(blocks);
        for (var at = HeaderBytes; at < file.Length - ChecksumBytes; at += ChunkHeadBytes + ChunkBytes)
        {
            var index = BinaryPrimitives.ReadInt32LittleEndian(file[at..]);
            if (index < 0 || index >= changed.ChunkCount)
            {
                return null;
            }

            changed.Add(index, MemoryMarshal.Cast<byte, ulong>(file.Slice(at + ChunkHeadBytes, ChunkBytes)));
        }

        return new ChangeMap(
            new SequenceNumber(BinaryPrimitives.ReadInt64LittleEndian(file[8..])), new SequenceNumber(BinaryPrimitives.ReadInt64LittleEndian(file[16..])), new Generation(new Guid(file.Slice(24, 16), bigEndian: true)), changed);
    }
}
