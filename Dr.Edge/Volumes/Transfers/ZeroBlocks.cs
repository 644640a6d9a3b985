using Dr.Edge.Volumes.Format;

namespace Dr.Edge.Volumes.Transfers;

/// <summary>Whole blocks of zeros in a run of data that begins at a block.</summary>
internal static class ZeroBlocks
{
    /// <summary>Bytes of whole zero blocks at the beginning (the rest of the data counts when all of it is zeros).</summary>
    public static int CountLeading(ReadOnlySpan<byte> data)
    {
        var zeros = data.IndexOfAnyExcept((byte)0);
        return zeros < 0 ? data.Length : zeros & ~(StoreLimits.BlockBytes - 1);
    }

    /// <summary>Bytes that are not in blocks of zeros.</summary>
    public static long CountData(ReadOnlySpan<byte> data)
    {
        long count = 0;
        while (!data.IsEmpty)
        {
            data = data[CountLeading(data)..];
            var length = CountUntilZeros(data);
            count += length;
            data = data[length..];
        }

        return count;
    }

    /// <summary>Bytes before the next block of zeros.</summary>
    public static int CountUntilZeros(ReadOnlySpan<byte> data)
    {
        var block = 0;
        for (; block + StoreLimits.BlockBytes <= data.Length; block += StoreLimits.BlockBytes)
        {
            if (data.Slice(block, StoreLimits.BlockBytes).IndexOfAnyExcept((byte)0) < 0)
            {
                return block;
            }
        }

        return data.Length;
    }
}
