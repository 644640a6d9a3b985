using System.Buffers.Binary;

namespace Dr.Edge.Replication.Packing.Logs;

/// <summary>
/// Head of a page of PostgreSQL's write-ahead log (9.5 and later, pages of 8 KiB, little-endian; <c>XLogPageHeaderData</c> in its <c>access/xlog_internal.h</c>). Pages of a segment follow each other, so that all
/// but the first are known from the one before and from the record that goes on in them.
/// </summary>
/// <param name="Info">Bits: 0 a record goes on here, 1 long head (first page of a segment), 2 page images may be removed.</param>
/// <param name="Address">Position of the page in the log, in bytes.</param>
/// <param name="Remaining">Bytes of the record that goes on here.</param>
internal readonly record struct LogPage(ushort Magic, ushort Info, uint TimeLine, ulong Address, uint Remaining)
{
    public const int Bytes = 8192;

    /// <summary>What starts a record is a multiple of this.</summary>
    public const int Alignment = 8;

    /// <summary>Of every page but the first of a segment.</summary>
    public const int ShortHeadBytes = 24;

    private const int LongHeadBytes = 40;
    private const int GoesOn = 1;
    private const int IsLong = 2;
    private const int MayRemoveImages = 4;

    // 0xD087 in 9.5, 0xD118 in 18: grows with each version.
    private const int FirstMagic = 0xD080;
    private const int LastMagic = 0xD1FF;

    public int HeadBytes => (Info & IsLong) != 0 ? LongHeadBytes : ShortHeadBytes;

    /// <summary>Bytes after the head before the first record that starts in the page; may be more than the page has.</summary>
    public long LeadBytes => ((long)Remaining + Alignment - 1) & -Alignment;

    /// <summary>False for what cannot be one; true does not prove that it is.</summary>
    public static bool TryRead(ReadOnlySpan<byte> content, out LogPage page)
    {
        page = default;
        if (content.Length < LongHeadBytes || BinaryPrimitives.ReadUInt16LittleEndian(content) is not (>= FirstMagic and <= LastMagic and var magic))
        {
            return false;
        }

        page = new LogPage(
            magic, BinaryPrimitives.ReadUInt16LittleEndian(content[2..]), BinaryPrimitives.ReadUInt32LittleEndian(content[4..]), BinaryPrimitives.ReadUInt64LittleEndian(content[8..]), BinaryPrimitives.ReadUInt32LittleEndian(content[16..]));
        return page.Info <= (GoesOn | IsLong | MayRemoveImages) && page.Address % Bytes == 0 && (page.Remaining > 0) == ((page.Info & GoesOn) != 0);
    }

    /// <summary>The page after this one.</summary>
    /// <param name="remaining">Bytes of a record that go on in it.</param>
    public LogPage Next(int remaining) =>
        this with { Info = (ushort)((Info & MayRemoveImages) | (remaining > 0 ? GoesOn : 0)), Address = Address + Bytes, Remaining = (uint)remaining };

    /// <summary>Writes a short head.</summary>
    public void Write(Span<byte> head)
    {
        BinaryPrimitives.WriteUInt16LittleEndian(head, Magic);
        BinaryPrimitives.WriteUInt16LittleEndian(head[2..], Info);
        BinaryPrimitives.WriteUInt32LittleEndian(head[4..], TimeLine);
        BinaryPrimitives.WriteUInt64LittleEndian(head[8..], Address);
        BinaryPrimitives.WriteUInt32LittleEndian(head[16..], Remaining);
        head[20..ShortHeadBytes].Clear();
    }
}
