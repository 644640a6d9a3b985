using System.Buffers.Binary;
using Dr.Contracts.Wire;

namespace Dr.Edge.Replication.Packing.Logs;

/// <summary>Where the fields of a record of PostgreSQL's write-ahead log are, and which of them follow from others (<c>XLogRecord</c> in its <c>access/xlogrecord.h</c>, unchanged since 9.5).</summary>
internal static class LogRecord
{
    public const int HeadBytes = 24;

    /// <summary>Bytes of the whole record, u32.</summary>
    public const int LengthOffset = 0;

    /// <summary>Transaction, u32; 0: of none.</summary>
    public const int TransactionOffset = 4;

    /// <summary>Position of the record before this one, u64.</summary>
    public const int PreviousOffset = 8;

    /// <summary>Kind of record within its manager, u8.</summary>
    public const int InfoOffset = 16;

    /// <summary>Resource manager, u8.</summary>
    public const int ManagerOffset = 17;

    /// <summary>CRC32C of what follows the head and then of the head before this field, u32.</summary>
    public const int CrcOffset = 20;

    private const int PaddingOffset = 18;

    /// <summary>Whether what can be known of it is as it should be: then it need not be kept.</summary>
    /// <param name="previous">Null: of the record before it nothing is known.</param>
    public static bool IsAsExpected(ReadOnlySpan<byte> record, ulong? previous) =>
        (previous is not { } position || BinaryPrimitives.ReadUInt64LittleEndian(record[PreviousOffset..]) == position)
        && BinaryPrimitives.ReadUInt16LittleEndian(record[PaddingOffset..]) == 0
        && BinaryPrimitives.ReadUInt32LittleEndian(record[CrcOffset..]) == Crc(record);

    /// <summary>Writes the head of a record whose data are there.</summary>
    public static void WriteHead(Span<byte> record, uint transaction, ulong previous, byte info, byte manager)
    {
        BinaryPrimitives.WriteUInt32LittleEndian(record, (uint)record.Length);
        BinaryPrimitives.WriteUInt32LittleEndian(record[TransactionOffset..], transaction);
        BinaryPrimitives.WriteUInt64LittleEndian(record[PreviousOffset..], previous);
        record[InfoOffset] = info;
        record[ManagerOffset] = manager;
        BinaryPrimitives.WriteUInt16LittleEndian(record[PaddingOffset..], 0);
        BinaryPrimitives.WriteUInt32LittleEndian(record[CrcOffset..], Crc(record));
    }

    private static uint Crc(ReadOnlySpan<byte> record) => ~Crc32C.Append(Crc32C.Append(uint.MaxValue, record[HeadBytes..]), record[..CrcOffset]);
}
