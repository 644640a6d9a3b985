using Dr.Edge.Volumes.Disk;
using Dr.Edge.Volumes.Format;
using Dr.Edge.Volumes.Mapping;

namespace Dr.Edge.Volumes.Digests;

/// <summary>The checksums that blocks are verified against when they are read, without reading them.</summary>
internal static class BlockChecksums
{
    /// <summary>A block that moves between look-up and use is looked up again; one that does so more often than this is damaged.</summary>
    private const int Attempts = 3;

    /// <summary>CRC32C of 4096 zero bytes, whether somebody wrote them or nobody wrote anything.</summary>
    public static readonly uint OfZeros = Crc32C.Compute(new byte[StoreLimits.BlockBytes]);

    /// <summary>Of the blocks from <paramref name="first"/> on.</summary>
    /// <exception cref="BlockDeviceException">An entry of base.crc is damaged or cannot be read.</exception>
    public static void Read(BlockMap map, long first, Span<uint> checksums)
    {
        for (var i = 0; i < checksums.Length;)
        {
            i += IsKnown(map, first + i, out checksums[i]) ? 1 : ReadFromBase(map, first + i, checksums[i..]);
        }
    }

    /// <summary>False: the base has the block.</summary>
    private static bool IsKnown(BlockMap map, long block, out uint checksum)
    {
        var location = map.Get(block, out checksum);
        if (location.IsData)
        {
            return true;
        }

        checksum = OfZeros;
        return !location.IsUnmapped || !map.IsInBase(block);
    }

    private static int ReadFromBase(BlockMap map, long first, Span<uint> checksums)
    {
        for (var attempt = 1; ; attempt++)
        {
            var count = 0;
            while (count < checksums.Length && !IsKnown(map, first + count, out checksums[count]))
            {
                count++;
            }

            if (count == 0)
            {
                return 1; // Found its way out of the base since.
            }

            var damaged = map.Base!.ReadChecksums(first, checksums[..count]);
            if (damaged == -1)
            {
                return count;
            }

            if (attempt == Attempts)
            {
                var problem = damaged < -1 ? Posix.Describe(-damaged - 1) : "it does not match its checksum";
                throw new BlockDeviceException(BlockError.IO, $"The entry of block {first + Math.Max(damaged, 0)} in {map.Base!.Checksums.File.Path} cannot be used: {problem}.");
            }
        }
    }
}
