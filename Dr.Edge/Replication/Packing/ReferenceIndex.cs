using System.Numerics;
using System.Runtime.InteropServices;
using Dr.Contracts.Wire;

namespace Dr.Edge.Replication.Packing;

/// <summary>
/// Which blocks of a delta's base hold something like some content. A table of fixed size, one block for each place: what is added later replaces what was there. It may miss and may name blocks that
/// are of no use; both cost bytes only. Pure; one owner.
/// </summary>
internal sealed class ReferenceIndex
{
    /// <summary>32 MiB of memory, whatever the delta's size.</summary>
    private const int MaxEntries = 1 << 22;

    private const int DensestBits = 7;
    private const int SparsestBits = 11;
    private readonly Entry[] _table;
    private readonly int _bits;
    private readonly ulong[] _anchors = new ulong[DeltaCodec.BlockBytes];
    private readonly Dictionary<uint, int> _hits = [];

    /// <param name="blocks">About how many are going to be added: from about 500 MB on each gets fewer anchors.</param>
    public ReferenceIndex(long blocks)
    {
        for (_bits = DensestBits; _bits < SparsestBits && Anchors(blocks) > MaxEntries; _bits++)
        {
        }

        _table = new Entry[BitOperations.RoundUpToPowerOf2((uint)Math.Clamp(Anchors(blocks), 1024, MaxEntries))];
    }

    public void Add(long block, ReadOnlySpan<byte> content)
    {
        if (block > uint.MaxValue)
        {
            return; // Beyond 16 TiB: no reference, only more bytes.
        }

        foreach (var anchor in _anchors.AsSpan(0, ContentAnchors.Find(content, _bits, _anchors)))
        {
            ref var entry = ref At(anchor);
            entry = new Entry(Tag(anchor), (uint)block);
        }
    }

    /// <summary>The blocks that share most with <paramref name="content"/>, at most <paramref name="most"/>, ascending.</summary>
    public long[] Find(ReadOnlySpan<byte> content, int most)
    {
        _hits.Clear();
        for (var start = 0; start < content.Length; start += DeltaCodec.BlockBytes)
        {
            var piece = content[start..Math.Min(content.Length, start + DeltaCodec.BlockBytes)];
            foreach (var anchor in _anchors.AsSpan(0, ContentAnchors.Find(piece, _bits, _anchors)))
            {
                ref var entry = ref At(anchor);
                if (entry.Tag == Tag(anchor))
                {
                    CollectionsMarshal.GetValueRefOrAddDefault(_hits, entry.Block, out _)++;
                }
            }
        }

        return [.. _hits.OrderByDescending(hit => hit.Value).ThenBy(hit => hit.Key).Take(most).Select(hit => (long)hit.Key).Order()];
    }

    // Twice what random content has on average.
    private long Anchors(long blocks) => blocks * (DeltaCodec.BlockBytes >> _bits) * 2;

    private ref Entry At(ulong anchor) => ref _table[(anchor >> 32) & (ulong)(_table.Length - 1)];

    // Zero is an empty place.
    private static uint Tag(ulong anchor) => (uint)anchor | 1;

    [StructLayout(LayoutKind.Auto)]
    private readonly record struct Entry(uint Tag, uint Block);
}
