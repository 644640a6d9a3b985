using System.Runtime.InteropServices;

namespace Dr.Edge.Replication.Packing.Logs;

/// <summary>What both directions of <c>arranged-log.md</c> share.</summary>
internal static class ArrangedLog
{
    /// <summary>Number of runs u16, number of shapes u8.</summary>
    public const int HeadBytes = 3;

    /// <summary>Offset u32, pages u16, records u32, previous u64.</summary>
    public const int RunBytes = 18;

    /// <summary>Info, manager, length, has transaction: u8 each.</summary>
    public const int ShapeBytes = 4;

    /// <summary>Of a record that is not in columns: length u32, transaction u32, info u8, manager u8. Its data follow.</summary>
    public const int LargeHeadBytes = 10;

    /// <summary>In place of a record's shape: it is not in columns.</summary>
    public const byte Large = 0;

    public const int MaxShapes = byte.MaxValue;

    /// <summary>A longer one, which is mostly a page's image, is better left as it is: what it resembles stands in the base.</summary>
    public const int MaxColumnRecordBytes = byte.MaxValue;

    /// <summary>Difference of two transactions' numbers, so that small ones of either sign have zeros above them.</summary>
    public static uint ToZigzag(uint difference) => (difference << 1) ^ (uint)((int)difference >> 31);

    /// <inheritdoc cref="ToZigzag"/>
    public static uint FromZigzag(uint value) => (value >> 1) ^ (uint)-(int)(value & 1);
}

/// <summary>Records whose first bytes are the same but for what differs from one to the next; their rows are of one length.</summary>
[StructLayout(LayoutKind.Auto)]
internal readonly record struct LogShape(byte Info, byte Manager, byte Length, bool HasTransaction)
{
    /// <summary>Bytes of a record in columns: its transaction, if any, and its data.</summary>
    public int RowBytes => (HasTransaction ? sizeof(uint) : 0) + Length - LogRecord.HeadBytes;
}

/// <summary>Pages of the log that follow each other in the units, all of which are there.</summary>
/// <param name="Offset">Of the first page in the units.</param>
/// <param name="Previous">What the first record says of the one before it.</param>
[StructLayout(LayoutKind.Auto)]
internal readonly record struct LogRun(int Offset, int Pages, int Records, ulong Previous)
{
    public int End => Offset + (Pages * LogPage.Bytes);
}
