using System.Security.Cryptography;
using Dr.Contracts.Wire;
using Dr.Edge.Volumes;

namespace Dr.Edge.Replication;

/// <summary>Digests of ranges of a view, as <see cref="Digests"/> defines them; both sides make them here. One user at a time.</summary>
internal sealed class RangeHasher(VolumeView view)
{
    private readonly byte[] _content = new byte[DigestQuery.MaxBlocksPerDigest * DeltaCodec.BlockBytes];
    private readonly byte[] _digest = new byte[SHA256.HashSizeInBytes];
    private readonly Dictionary<int, byte[]> _ofZeros = [];

    private long Blocks => (view.SizeBytes + DeltaCodec.BlockBytes - 1) / DeltaCodec.BlockBytes;

    /// <param name="touched">Blocks that count as different whatever they hold; null = none.</param>
    public byte[] Compute(long first, int count, int blocksPerDigest, ChangeBitmap? touched)
    {
        var values = new byte[count * Digests.DigestBytes];
        for (var i = 0; i < count; i++)
        {
            var start = first + ((long)i * blocksPerDigest);
            if (touched is null || touched.FindChange(start, start + blocksPerDigest, isSet: false) == start + blocksPerDigest)
            {
                Hash(start, blocksPerDigest).AsSpan(0, Digests.DigestBytes).CopyTo(values.AsSpan(i * Digests.DigestBytes));
            }
        }

        return values;
    }

    private byte[] Hash(long first, int blocks)
    {
        // Behind the end there are zeros; holes are not read.
        var end = Math.Min(first + blocks, Blocks);
        if (first >= end || view.Map.Find(first, end, content: true) >= end)
        {
            if (!_ofZeros.TryGetValue(blocks, out var zeros))
            {
                _ofZeros.Add(blocks, zeros = SHA256.HashData(new byte[blocks * DeltaCodec.BlockBytes]));
            }

            return zeros;
        }

        var content = _content.AsSpan(0, blocks * DeltaCodec.BlockBytes);
        view.ReadPadded(first * DeltaCodec.BlockBytes, content);
        SHA256.HashData(content, _digest);
        return _digest;
    }
}
