using System.Buffers.Binary;
using System.Security.Cryptography;
using Dr.Edge.Volumes.Format;
using Dr.Edge.Volumes.Mapping;

namespace Dr.Edge.Volumes.Digests;

/// <summary>SHA-256 over what a map says; two copies with the same digest hold the same. Bytes of both kinds in <c>volume-format.md</c>; holes and written zeros are the same in either.</summary>
internal static class PointDigest
{
    public const int SizeBytes = 32;

    /// <summary>Blocks that are read by one call.</summary>
    private const int ContentBlocks = 64;

    /// <summary>Blocks whose checksums are looked up at once: one leaf of the map.</summary>
    private const int ChecksumBlocks = 512;

    private const int EntryBytes = sizeof(long) + sizeof(uint);

    public static byte[] Of(BlockMap map, LayerTable layers, long sizeBytes, DigestKind kind)
    {
        using var sha = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
        sha.AppendData(kind == DigestKind.Content ? "DRDIGEST"u8 : "DRCHECKS"u8);
        Span<byte> size = stackalloc byte[sizeof(long)];
        BinaryPrimitives.WriteInt64LittleEndian(size, sizeBytes);
        sha.AppendData(size);
        if (kind == DigestKind.Content)
        {
            AppendContent(sha, map, layers, sizeBytes / StoreLimits.BlockBytes);
        }
        else
        {
            AppendChecksums(sha, map, sizeBytes / StoreLimits.BlockBytes);
        }

        return sha.GetHashAndReset();
    }

    private static void AppendContent(IncrementalHash sha, BlockMap map, LayerTable layers, long blocks)
    {
        Span<byte> number = stackalloc byte[sizeof(long)];
        var buffer = new byte[ContentBlocks * StoreLimits.BlockBytes];
        for (var block = map.Find(0, blocks, content: true); block < blocks;)
        {
            // Looked for no further than is read: a full volume would otherwise be walked to its end again and again.
            var count = (int)(map.Find(block, Math.Min(block + ContentBlocks, blocks), content: false) - block);
            BlockReader.Read(map, layers, block * StoreLimits.BlockBytes, buffer.AsSpan(0, count * StoreLimits.BlockBytes));
            for (var i = 0; i < count; i++)
            {
                var data = buffer.AsSpan(i * StoreLimits.BlockBytes, StoreLimits.BlockBytes);
                if (data.IndexOfAnyExcept((byte)0) < 0)
                {
                    continue;
                }

                BinaryPrimitives.WriteInt64LittleEndian(number, block + i);
                sha.AppendData(number);
                sha.AppendData(data);
            }

            block = map.Find(block + count, blocks, content: true);
        }
    }

    private static void AppendChecksums(IncrementalHash sha, BlockMap map, long blocks)
    {
        Span<uint> checksums = stackalloc uint[ChecksumBlocks];
        Span<byte> entries = stackalloc byte[ChecksumBlocks * EntryBytes];
        for (var block = map.Find(0, blocks, content: true); block < blocks;)
        {
            var count = (int)(map.Find(block, Math.Min(block + ChecksumBlocks, blocks), content: false) - block);
            BlockChecksums.Read(map, block, checksums[..count]);
            var length = 0;
            for (var i = 0; i < count; i++)
            {
                if (checksums[i] != BlockChecksums.OfZeros)
                {
                    BinaryPrimitives.WriteInt64LittleEndian(entries[length..], block + i);
                    BinaryPrimitives.WriteUInt32LittleEndian(entries[(length + sizeof(long))..], checksums[i]);
                    length += EntryBytes;
                }
            }

            sha.AppendData(entries[..length]);
            block = map.Find(block + count, blocks, content: true);
        }
    }
}
