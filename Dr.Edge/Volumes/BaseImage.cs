using System.Buffers.Binary;
using Dr.Edge.Volumes.Disk;
using Dr.Edge.Volumes.Format;

namespace Dr.Edge.Volumes;

/// <summary>
/// base.img and base.crc: the volume at the position the history begins. An entry of base.crc has 8 bytes, the block's CRC32C and a checksum of block number and CRC; 8 zero bytes say that
/// the block is zeros. Entries are small enough never to be torn, so both files may be written in place while a layer that is still in the manifest has the same blocks.
/// </summary>
internal sealed class BaseImage : IDisposable
{
    public const int EntryBytes = 8;
    public const int EntryChecksumOffset = 0;
    public const int EntryCheckOffset = 4;
    private const int WindowEntries = 8192;
    private readonly DurableFile _checksums;

    private BaseImage(DurableFile checksums, LayerFile image)
    {
        _checksums = checksums;
        Image = image;
    }

    public LayerFile Image { get; }

    public static void Create(string directory, StoreFaults faults)
    {
        foreach (var name in (string[])["base.img", "base.crc"])
        {
            using var file = DurableFile.Open(Path.Combine(directory, name), FileMode.CreateNew, faults);
            file.SyncData();
        }
    }

    public static BaseImage Open(string directory, LayerTable layers, StoreFaults faults) => new(
        DurableFile.Open(Path.Combine(directory, "base.crc"), FileMode.Open, faults),
        layers.Add(DurableFile.Open(Path.Combine(directory, "base.img"), FileMode.Open, faults)));

    public static ulong EncodeEntry(long block, uint checksum)
    {
        Span<byte> covered = stackalloc byte[12];
        BinaryPrimitives.WriteInt64LittleEndian(covered, block);
        BinaryPrimitives.WriteUInt32LittleEndian(covered[8..], checksum);
        return checksum | ((ulong)Crc32C.Compute(covered) << 32);
    }

    /// <summary>Every block of the base in ascending order, with its checksum; <paramref name="onDamage"/> is told of entries that are not right.</summary>
    public void Enumerate(long volumeBlocks, Action<long, uint> onBlock, Action<long> onDamage, out long blocks, out ulong sum)
    {
        var length = Math.Min(_checksums.Length, volumeBlocks * EntryBytes);
        var window = new byte[WindowEntries * EntryBytes];
        blocks = 0;
        sum = 0;
        for (long offset = 0; Posix.TryFindData(_checksums.Handle, offset, length, out var start, out var end);)
        {
            offset = start & ~(EntryBytes - 1L);
            while (offset < end)
            {
                var part = window.AsSpan(0, (int)Math.Min(window.Length, Math.Min(length, end) - offset) & ~(EntryBytes - 1));
                if (part.IsEmpty)
                {
                    return;
                }

                _checksums.ReadExactly(part, offset);
                for (var i = 0; i < part.Length; i += EntryBytes)
                {
                    var entry = BinaryPrimitives.ReadUInt64LittleEndian(part[i..]);
                    if (entry == 0)
                    {
                        continue;
                    }

                    var block = (offset + i) / EntryBytes;
                    blocks++;
                    sum += entry;
                    if (EncodeEntry(block, (uint)entry) == entry)
                    {
                        onBlock(block, (uint)entry);
                    }
                    else
                    {
                        onDamage(block);
                    }
                }

                offset += part.Length;
            }
        }
    }

    /// <summary>Puts data blocks in place; not flushed.</summary>
    public void Write(long firstBlock, ReadOnlySpan<byte> data, ReadOnlySpan<uint> checksums)
    {
        Image.File.Write(data, firstBlock * StoreLimits.BlockBytes);
        Span<byte> entries = stackalloc byte[checksums.Length * EntryBytes];
        for (var i = 0; i < checksums.Length; i++)
        {
            BinaryPrimitives.WriteUInt64LittleEndian(entries[(i * EntryBytes)..], EncodeEntry(firstBlock + i, checksums[i]));
        }

        _checksums.Write(entries, firstBlock * EntryBytes);
    }

    /// <summary>The blocks are zeros from now on; their space is given back. Not flushed.</summary>
    public void Clear(long firstBlock, long count)
    {
        Forget(Image.File, firstBlock * StoreLimits.BlockBytes, count * StoreLimits.BlockBytes, mustRead: false);
        Forget(_checksums, firstBlock * EntryBytes, count * EntryBytes, mustRead: true);
    }

    public void Sync()
    {
        // Data before the checksums that vouch for it.
        Image.File.SyncData();
        _checksums.SyncData();
    }

    public void Dispose()
    {
        _checksums.Dispose();
        Image.Release();
    }

    private static void Forget(DurableFile file, long offset, long length, bool mustRead)
    {
        length = Math.Min(length, file.Length - offset);
        if (length <= 0 || file.TryPunchHole(offset, length) || !mustRead)
        {
            return;
        }

        var zeros = new byte[(int)Math.Min(length, 1 << 20)];
        for (long done = 0; done < length; done += zeros.Length)
        {
            file.Write(zeros.AsSpan(0, (int)Math.Min(zeros.Length, length - done)), offset + done);
        }
    }
}
