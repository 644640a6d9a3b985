using System.Buffers.Binary;
using System.Runtime.InteropServices;

namespace Dr.Edge.Nbd;

/// <summary>A request's header, 28 bytes: magic, flags, command, cookie, offset, length. Nothing in it has been checked.</summary>
[StructLayout(LayoutKind.Auto)]
internal readonly record struct NbdRequest(NbdCommandFlags Flags, NbdCommand Command, ulong Cookie, ulong Offset, uint Length)
{
    public const int MagicOffset = 0;
    public const int FlagsOffset = 4;
    public const int CommandOffset = 6;
    public const int CookieOffset = 8;
    public const int OffsetOffset = 16;
    public const int LengthOffset = 24;

    public bool IsModifying => Command is NbdCommand.Write or NbdCommand.Trim or NbdCommand.WriteZeroes;

    /// <summary>Bytes that follow the header. They follow it even when the request is refused.</summary>
    public uint PayloadLength => Command == NbdCommand.Write ? Length : 0;

    /// <summary>False when the magic number is wrong: the stream is out of step and cannot be trusted any more.</summary>
    public static bool TryRead(ReadOnlySpan<byte> header, out NbdRequest request)
    {
        if (BinaryPrimitives.ReadUInt32BigEndian(header) != NbdProtocol.RequestMagic)
        {
            request = default;
            return false;
        }

        request = new NbdRequest(
            (NbdCommandFlags)BinaryPrimitives.ReadUInt16BigEndian(header[FlagsOffset..]),
            (NbdCommand)BinaryPrimitives.ReadUInt16BigEndian(header[CommandOffset..]),
            BinaryPrimitives.ReadUInt64BigEndian(header[CookieOffset..]),
            BinaryPrimitives.ReadUInt64BigEndian(header[OffsetOffset..]),
            BinaryPrimitives.ReadUInt32BigEndian(header[LengthOffset..]));
        return true;
    }

    public void Write(Span<byte> header)
    {
        BinaryPrimitives.WriteUInt32BigEndian(header, NbdProtocol.RequestMagic);
        BinaryPrimitives.WriteUInt16BigEndian(header[FlagsOffset..], (ushort)Flags);
        BinaryPrimitives.WriteUInt16BigEndian(header[CommandOffset..], (ushort)Command);
        BinaryPrimitives.WriteUInt64BigEndian(header[CookieOffset..], Cookie);
        BinaryPrimitives.WriteUInt64BigEndian(header[OffsetOffset..], Offset);
        BinaryPrimitives.WriteUInt32BigEndian(header[LengthOffset..], Length);
    }
}
