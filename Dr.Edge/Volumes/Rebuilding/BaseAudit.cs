using System.Buffers.Binary;
using Dr.Edge.Volumes.Disk;
using Dr.Edge.Volumes.Format;
using Dr.Edge.Volumes.Mapping;

namespace Dr.Edge.Volumes.Rebuilding;

/// <summary>Reads a base against its entries without a volume around it.</summary>
internal static class BaseAudit
{
    /// <summary>Number and sum of all entries that are not empty; what is wrong with them or their data goes into <paramref name="damage"/>.</summary>
    public static (long Blocks, ulong Sum) Read(DurableFile image, DurableFile entries, long volumeBlocks, List<string> damage, CancellationToken cancellationToken)
    {
        long blocks = 0;
        ulong sum = 0;
        var length = Math.Min(entries.Length & ~(BaseImage.EntryBytes - 1L), volumeBlocks * BaseImage.EntryBytes);
        var window = new byte[64 * 1024];
        var data = new byte[StoreLimits.BlockBytes];
        for (long offset = 0; Posix.TryFindData(entries.Handle, offset, length, out var start, out var end);)
        {
            offset = start & ~(BaseImage.EntryBytes - 1L);
            while (offset < end)
            {
                cancellationToken.ThrowIfCancellationRequested();
                var part = window.AsSpan(0, (int)Math.Min(window.Length, length - offset));
                entries.ReadExactly(part, offset);
                for (var i = 0; i < part.Length; i += BaseImage.EntryBytes)
                {
                    var entry = BinaryPrimitives.ReadUInt64LittleEndian(part[i..]);
                    if (entry != 0)
                    {
                        blocks++;
                        sum += entry;
                        Check((offset + i) / BaseImage.EntryBytes, entry);
                    }
                }

                offset += part.Length;
            }
        }

        return (blocks, sum);

        void Check(long block, ulong entry)
        {
            if (BaseImage.EncodeEntry(block, (uint)entry) != entry)
            {
                damage.Add($"{entries.Path}: the entry of block {block} is damaged");
            }
            else if (image.Read(data, block * StoreLimits.BlockBytes) < data.Length || Crc32C.Compute(data) != (uint)entry)
            {
                damage.Add($"{image.Path}, byte {block * StoreLimits.BlockBytes}: data does not match its checksum");
            }
        }
    }
}
