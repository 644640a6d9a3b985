using System.Buffers.Binary;
using System.Runtime.InteropServices;
using Dr.Edge.Volumes.Disk;
using Dr.Edge.Volumes.Format;

namespace Dr.Edge.Volumes.Mapping;

/// <summary>
/// base.img and base.crc: the volume at the position the history begins. An entry of base.crc has 8 bytes, the block's CRC32C and a checksum of block number and CRC; 8 zero bytes say that
/// the block is zeros. Entries are small enough never to be torn, so both files may be written in place while a layer that is still in the manifest has the same blocks.
/// <para>In memory is only which blocks it has (<see cref="Present"/>), how many they are and their entries' sum; a checksum is read when its block is. One writer, the merge; any number of readers.</para>
/// </summary>
internal sealed class BaseImage : IDisposable
{
    public const int EntryBytes = 8;
    public const int EntryChecksumOffset = 0;
    public const int EntryCheckOffset = 4;
    private const int WindowEntries = 32768;
    private bool _needsRecount;

    private BaseImage(LayerFile checksums, LayerFile image)
    {
        Checksums = checksums;
        Image = image;
    }

    public LayerFile Image { get; }

    public LayerFile Checksums { get; }

    public BasePresence Present { get; } = new();

    /// <summary>Entries there are, and their sum modulo 2^64; kept up to date by <see cref="Write"/> and <see cref="Clear"/>.</summary>
    public long Blocks { get; private set; }

    public ulong Sum { get; private set; }

    public static void Create(string directory, StoreFaults faults)
    {
        foreach (var name in (string[])["base.img", "base.crc"])
        {
            using var file = DurableFile.Open(Path.Combine(directory, name), FileMode.CreateNew, faults);
            file.SyncData();
        }
    }

    /// <summary>Opens both files; <see cref="Load"/> comes before anything is read.</summary>
    public static BaseImage Open(string directory, LayerTable layers, StoreFaults faults)
    {
        var checksums = layers.Add(DurableFile.Open(Path.Combine(directory, "base.crc"), FileMode.Open, faults));
        try
        {
            return new BaseImage(checksums, layers.Add(DurableFile.Open(Path.Combine(directory, "base.img"), FileMode.Open, faults)));
        }
        catch
        {
            checksums.Release();
            throw;
        }
    }

    public static ulong EncodeEntry(long block, uint checksum)
    {
        Span<byte> covered = stackalloc byte[12];
        BinaryPrimitives.WriteInt64LittleEndian(covered, block);
        BinaryPrimitives.WriteUInt32LittleEndian(covered[8..], checksum);
        return checksum | ((ulong)Crc32C.Compute(covered) << 32);
    }

    /// <summary>Learns what the base has. Costs what lies in it, not the volume's size. Returns the first block whose entry is damaged (it counts as there: reading it is an error); -1 when none is.</summary>
    public long Load(long volumeBlocks)
    {
        var damaged = -1L;
        Enumerate(
            volumeBlocks,
            (block, _) => Present.Set(block),
            block =>
            {
                Present.Set(block);
                damaged = damaged < 0 ? block : damaged;
            },
            out var blocks,
            out var sum);
        (Blocks, Sum) = (blocks, sum);
        return damaged;
    }

    /// <summary>Every block of the base in ascending order, with its checksum; <paramref name="onDamage"/> is told of entries that are not right.</summary>
    public void Enumerate(long volumeBlocks, Action<long, uint> onBlock, Action<long> onDamage, out long blocks, out ulong sum)
    {
        var length = Math.Min(Checksums.File.Length, volumeBlocks * EntryBytes) & ~(EntryBytes - 1L);
        var window = new byte[WindowEntries * EntryBytes];
        blocks = 0;
        sum = 0;
        for (long offset = 0; Posix.TryFindData(Checksums.File.Handle, offset, length, out var start, out var end);)
        {
            for (offset = start & ~(EntryBytes - 1L); offset < end;)
            {
                var part = window.AsSpan(0, (int)Math.Min(window.Length, (end - offset + EntryBytes - 1) & ~(EntryBytes - 1L)));
                Checksums.File.ReadExactly(part, offset);
                var entries = MemoryMarshal.Cast<byte, ulong>(part);
                for (var i = 0; i < entries.Length; i++)
                {
                    var entry = entries[i];
                    if (entry == 0)
                    {
                        continue;
                    }

                    var block = (offset / EntryBytes) + i;
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

    /// <summary>
    /// A part of what the base has: at most <paramref name="maxBlocks"/> entries from block <paramref name="first"/> on, holes stepped over. Returns where to go on, <paramref name="volumeBlocks"/> at the end.
    /// </summary>
    public long EnumerateFrom(long first, long volumeBlocks, int maxBlocks, Action<long, uint> onBlock, Action<long> onDamage)
    {
        var length = Math.Min(Checksums.File.Length, volumeBlocks * EntryBytes) & ~(EntryBytes - 1L);
        if (!Posix.TryFindData(Checksums.File.Handle, first * EntryBytes, length, out var start, out var end))
        {
            return volumeBlocks;
        }

        var block = start / EntryBytes;
        var entries = new ulong[(int)Math.Min((end / EntryBytes) - block, maxBlocks)];
        if (entries.Length == 0)
        {
            return volumeBlocks;
        }

        Checksums.File.ReadExactly(MemoryMarshal.AsBytes(entries.AsSpan()), block * EntryBytes);
        foreach (var entry in entries)
        {
            if (entry != 0 && EncodeEntry(block, (uint)entry) == entry)
            {
                onBlock(block, (uint)entry);
            }
            else if (entry != 0)
            {
                onDamage(block);
            }

            block++;
        }

        return block;
    }

    /// <summary>Checksums of blocks that are there, in their order. Index of the first whose entry is not right; -1 when all are; the error (negative, below -1) when they cannot be read.</summary>
    public int ReadChecksums(long first, Span<uint> checksums)
    {
        Span<ulong> entries = stackalloc ulong[checksums.Length];
        var read = Checksums.File.Read(MemoryMarshal.AsBytes(entries), first * EntryBytes);
        if (read < 0)
        {
            return read - 1;
        }

        for (var i = 0; i < entries.Length; i++)
        {
            checksums[i] = (uint)entries[i];
            if (read < (i + 1) * EntryBytes || entries[i] == 0 || EncodeEntry(first + i, checksums[i]) != entries[i])
            {
                return i;
            }
        }

        return -1;
    }

    /// <summary>Puts data blocks in place; not flushed.</summary>
    public void Write(long firstBlock, ReadOnlySpan<byte> data, ReadOnlySpan<uint> checksums)
    {
        Image.File.Write(data, firstBlock * StoreLimits.BlockBytes);
        Span<ulong> entries = stackalloc ulong[checksums.Length];
        ForgetEntries(firstBlock, entries);
        var mustRecount = _needsRecount;
        _needsRecount = true; // Until the entries are there: a write that fails may leave some of them.
        for (var i = 0; i < checksums.Length; i++)
        {
            entries[i] = EncodeEntry(firstBlock + i, checksums[i]);
            Blocks++;
            Sum += entries[i];
        }

        Checksums.File.Write(MemoryMarshal.AsBytes(entries), firstBlock * EntryBytes);
        for (var i = 0; i < checksums.Length; i++)
        {
            Present.Set(firstBlock + i);
        }

        _needsRecount = mustRecount;
    }

    /// <summary>The blocks are zeros from now on; their space is given back. Not flushed.</summary>
    public void Clear(long firstBlock, long count)
    {
        var end = firstBlock + count;
        Span<ulong> entries = stackalloc ulong[512];
        for (var block = Present.Find(firstBlock, end, present: true); block < end;)
        {
            var gap = Math.Min(Present.Find(block, end, present: false), block + entries.Length);
            ForgetEntries(block, entries[..(int)(gap - block)]);
            block = Present.Find(gap, end, present: true);
        }

        var mustRecount = _needsRecount;
        _needsRecount = true;
        Forget(Image.File, firstBlock * StoreLimits.BlockBytes, count * StoreLimits.BlockBytes, mustRead: false);
        Forget(Checksums.File, firstBlock * EntryBytes, count * EntryBytes, mustRead: true);
        for (var block = Present.Find(firstBlock, end, present: true); block < end; block = Present.Find(block, end, present: true))
        {
            Present.Clear(block);
        }

        _needsRecount = mustRecount;
    }

    public void Sync(long volumeBlocks)
    {
        // Data before the checksums that vouch for it.
        Image.File.SyncData();
        Checksums.File.SyncData();
        if (_needsRecount)
        {
            // A write that failed may have left entries: they are there for the next one, or they would be counted twice.
            Enumerate(volumeBlocks, (block, _) => Present.Set(block), Present.Set, out var blocks, out var sum);
            (Blocks, Sum, _needsRecount) = (blocks, sum, false);
        }
    }

    public void Dispose()
    {
        Checksums.Release();
        Image.Release();
    }

    /// <summary>Takes the entries that are about to be replaced out of count and sum. What is damaged cannot be: then everything is counted again.</summary>
    private void ForgetEntries(long first, Span<ulong> entries)
    {
        if (Present.Find(first, first + entries.Length, present: true) >= first + entries.Length)
        {
            return;
        }

        entries.Clear();
        var read = Checksums.File.Read(MemoryMarshal.AsBytes(entries), first * EntryBytes);
        _needsRecount |= read < 0;
        for (var i = 0; i < entries.Length; i++)
        {
            var isThere = Present.Has(first + i);
            Blocks -= isThere ? 1 : 0;
            Sum -= entries[i];
            _needsRecount |= isThere != (entries[i] != 0) || (isThere && EncodeEntry(first + i, (uint)entries[i]) != entries[i]);
        }
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
