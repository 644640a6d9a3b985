using System.Buffers.Binary;
using System.Runtime.InteropServices;

namespace Dr.Edge.Nbd;

/// <summary>
/// A request's header: magic, flags, command, cookie, offset, length; 28 bytes with a length of 32 bits, or with extended headers 32 bytes with a length of 64 bits and another magic.
/// Nothing in it has been checked.
/// </summary>
[StructLayout(LayoutKind.Auto)]
internal readonly record struct NbdRequest(NbdCommandFlags Flags, NbdCommand Command, ulong Cookie, ulong Offset, ulong Length)
{
    public const int MagicOffset = 0;
    public const int FlagsOffset = 4;
    public const int CommandOffset = 6;
    public const int CookieOffset = 8;
    public const int OffsetOffset = 16;
    public const int LengthOffset = 24;

    public bool IsModifying => Command is NbdCommand.Write or NbdCommand.Trim or NbdCommand.WriteZeroes;

    /// <summary>
    /// Bytes that follow the header. They follow it even when the request is refused. With extended headers the flag says so for every command; a WRITE without it is a client's
    /// mistake, and its data follow nevertheless.
    /// </summary>
    public ulong PayloadLength => Command == NbdCommand.Write || (Flags & NbdCommandFlags.PayloadLength) != NbdCommandFlags.None ? Length : 0;

    public static int SizeOf(ReplyForm form) => form == ReplyForm.Extended ? NbdProtocol.ExtendedRequestSize : NbdProtocol.RequestSize;

    /// <summary>False when the magic number is not the agreed form's: the stream is out of step and cannot be trusted any more.</summary>
    public static bool TryRead(ReadOnlySpan<byte> header, ReplyForm form, out NbdRequest request)
    {
        var isExtended = form == ReplyForm.Extended;
        if (BinaryPrimitives.ReadUInt32BigEndian(header) != (isExtended ? NbdProtocol.ExtendedRequestMagic : NbdProtocol.RequestMagic))
        {
            request = default;
            return false;
        }

        var flags = (NbdCommandFlags)BinaryPrimitives.ReadUInt16BigEndian(header[FlagsOffset..]);
        request = new NbdRequest(
            isExtended ? flags : WithoutPayloadLength(flags),
            (NbdCommand)BinaryPrimitives.ReadUInt16BigEndian(header[CommandOffset..]),
            BinaryPrimitives.ReadUInt64BigEndian(header[CookieOffset..]),
            BinaryPrimitives.ReadUInt64BigEndian(header[OffsetOffset..]),
            isExtended ? BinaryPrimitives.ReadUInt64BigEndian(header[LengthOffset..]) : BinaryPrimitives.ReadUInt32BigEndian(header[LengthOffset..]));
        return true;
    }

    /// <summary>For clients: the header in the given form. The length must fit it.</summary>
    public void Write(Span<byte> header, ReplyForm form = ReplyForm.Simple)
    {
        BinaryPrimitives.WriteUInt32BigEndian(header, form == ReplyForm.Extended ? NbdProtocol.ExtendedRequestMagic : NbdProtocol.RequestMagic);
        BinaryPrimitives.WriteUInt16BigEndian(header[FlagsOffset..], (ushort)Flags);
        BinaryPrimitives.WriteUInt16BigEndian(header[CommandOffset..], (ushort)Command);
        BinaryPrimitives.WriteUInt64BigEndian(header[CookieOffset..], Cookie);
        BinaryPrimitives.WriteUInt64BigEndian(header[OffsetOffset..], Offset);
        if (form == ReplyForm.Extended)
        {
            BinaryPrimitives.WriteUInt64BigEndian(header[LengthOffset..], Length);
        }
        else
        {
            BinaryPrimitives.WriteUInt32BigEndian(header[LengthOffset..], (uint)Length);
        }
    }

    // Without extended headers the bit is an unknown flag like any other, and must not make us wait for a payload: the top bit stands in for it.
    private static NbdCommandFlags WithoutPayloadLength(NbdCommandFlags flags) =>
        (flags & NbdCommandFlags.PayloadLength) == NbdCommandFlags.None ? flags : (flags & ~NbdCommandFlags.PayloadLength) | NbdCommandFlags.Unknown;
}
