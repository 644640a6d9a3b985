namespace Dr.Edge.Volumes.Mapping;

/// <summary>
/// A file of the store (20 bits: its slot in the <see cref="LayerTable"/>) and a byte offset in it (44 bits). 0: no layer wrote the block, it is what the base says. Offset 0 in a layer's slot:
/// that layer made the block zeros. Data never lies at offset 0, where every layer has its header.
/// </summary>
internal readonly record struct BlockLocation(ulong Value)
{
    public const int OffsetBits = 44;
    public const ulong OffsetMask = (1UL << OffsetBits) - 1;
    public const int MaxSlots = 1 << 20;

    public BlockLocation(int slot, long offset)
        : this(((ulong)slot << OffsetBits) | (ulong)offset)
    {
    }

    public static BlockLocation Unmapped => default;

    /// <summary>No layer has the block.</summary>
    public bool IsUnmapped => Value == 0;

    /// <summary>A layer says zeros, whatever the base holds.</summary>
    public bool IsZero => Value != 0 && (Value & OffsetMask) == 0;

    /// <summary>A layer has its data.</summary>
    public bool IsData => (Value & OffsetMask) != 0;

    public int Slot => (int)(Value >> OffsetBits);

    public long Offset => (long)(Value & OffsetMask);

    public static BlockLocation ZeroIn(int slot) => new(slot, 0);
}
