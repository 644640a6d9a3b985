namespace Dr.Edge.Volumes;

/// <summary>A file of the store (20 bits: its slot in the <see cref="LayerTable"/>) and a byte offset in it (44 bits). 0 = nowhere: the block is zeros.</summary>
internal readonly record struct BlockLocation(ulong Value)
{
    public const int OffsetBits = 44;
    public const int MaxSlots = 1 << 20;

    public BlockLocation(int slot, long offset)
        : this(((ulong)slot << OffsetBits) | (ulong)offset)
    {
    }

    public static BlockLocation Zero => default;

    public bool IsZero => Value == 0;

    public int Slot => (int)(Value >> OffsetBits);

    public long Offset => (long)(Value & ((1UL << OffsetBits) - 1));
}
