using System.Buffers;
using System.Buffers.Binary;
using System.Text;

namespace Dr.Edge.Nbd;

/// <summary>Handshake frames: the greeting, options and their replies.</summary>
internal static class OptionCodec
{
    private static readonly UTF8Encoding StrictUtf8 = new(encoderShouldEmitUTF8Identifier: false, throwOnInvalidBytes: true);

    public static void WriteGreeting(Span<byte> greeting)
    {
        BinaryPrimitives.WriteUInt64BigEndian(greeting, NbdProtocol.GreetingMagic);
        BinaryPrimitives.WriteUInt64BigEndian(greeting[8..], NbdProtocol.OptionMagic);
        BinaryPrimitives.WriteUInt16BigEndian(greeting[16..], (ushort)(NbdHandshakeFlags.FixedNewstyle | NbdHandshakeFlags.NoZeroes));
    }

    /// <summary>False when a bit is set that we do not know: the client expects something that we would not do.</summary>
    public static bool TryReadClientFlags(ReadOnlySpan<byte> source, out NbdClientFlags flags)
    {
        flags = (NbdClientFlags)BinaryPrimitives.ReadUInt32BigEndian(source);
        return (flags & ~(NbdClientFlags.FixedNewstyle | NbdClientFlags.NoZeroes)) == NbdClientFlags.None;
    }

    /// <summary>Magic, option, length of its data. False when the magic number is wrong.</summary>
    public static bool TryReadOptionHeader(ReadOnlySpan<byte> source, out NbdOption option, out uint length)
    {
        option = (NbdOption)BinaryPrimitives.ReadUInt32BigEndian(source[8..]);
        length = BinaryPrimitives.ReadUInt32BigEndian(source[12..]);
        return BinaryPrimitives.ReadUInt64BigEndian(source) == NbdProtocol.OptionMagic;
    }

    public static void WriteReply(IBufferWriter<byte> target, NbdOption option, NbdOptionReply reply, ReadOnlySpan<byte> data)
    {
        var span = target.GetSpan(NbdProtocol.OptionReplyHeaderSize + data.Length);
        BinaryPrimitives.WriteUInt64BigEndian(span, NbdProtocol.OptionReplyMagic);
        BinaryPrimitives.WriteUInt32BigEndian(span[8..], (uint)option);
        BinaryPrimitives.WriteUInt32BigEndian(span[12..], (uint)reply);
        BinaryPrimitives.WriteUInt32BigEndian(span[16..], (uint)data.Length);
        data.CopyTo(span[NbdProtocol.OptionReplyHeaderSize..]);
        target.Advance(NbdProtocol.OptionReplyHeaderSize + data.Length);
    }

    /// <summary>An error reply; its data is a message for people.</summary>
    public static void WriteError(IBufferWriter<byte> target, NbdOption option, NbdOptionReply error, string message) =>
        WriteReply(target, option, error, Text(message));

    /// <summary>One line of LIST: length of the name, name, description.</summary>
    public static void WriteServer(IBufferWriter<byte> target, string name, string description)
    {
        var nameBytes = Text(name);
        var descriptionBytes = Text(description);
        var data = new byte[4 + nameBytes.Length + descriptionBytes.Length];
        BinaryPrimitives.WriteUInt32BigEndian(data, (uint)nameBytes.Length);
        nameBytes.CopyTo(data, 4);
        descriptionBytes.CopyTo(data, 4 + nameBytes.Length);
        WriteReply(target, NbdOption.List, NbdOptionReply.Server, data);
    }

    public static void WriteExportInfo(IBufferWriter<byte> target, NbdOption option, long sizeBytes, NbdExportFlags flags)
    {
        Span<byte> data = stackalloc byte[12];
        BinaryPrimitives.WriteUInt16BigEndian(data, (ushort)NbdInfoKind.Export);
        BinaryPrimitives.WriteUInt64BigEndian(data[2..], (ulong)sizeBytes);
        BinaryPrimitives.WriteUInt16BigEndian(data[10..], (ushort)flags);
        WriteReply(target, option, NbdOptionReply.Info, data);
    }

    public static void WriteBlockSizeInfo(IBufferWriter<byte> target, NbdOption option)
    {
        Span<byte> data = stackalloc byte[14];
        BinaryPrimitives.WriteUInt16BigEndian(data, (ushort)NbdInfoKind.BlockSize);
        BinaryPrimitives.WriteUInt32BigEndian(data[2..], NbdLimits.MinimumBlockBytes);
        BinaryPrimitives.WriteUInt32BigEndian(data[6..], NbdLimits.PreferredBlockBytes);
        BinaryPrimitives.WriteUInt32BigEndian(data[10..], NbdLimits.MaxPayloadBytes);
        WriteReply(target, option, NbdOptionReply.Info, data);
    }

    public static void WriteTextInfo(IBufferWriter<byte> target, NbdOption option, NbdInfoKind kind, string text)
    {
        var bytes = Text(text);
        var data = new byte[2 + bytes.Length];
        BinaryPrimitives.WriteUInt16BigEndian(data, (ushort)kind);
        bytes.CopyTo(data, 2);
        WriteReply(target, option, NbdOptionReply.Info, data);
    }

    public static void WriteMetaContext(IBufferWriter<byte> target, NbdOption option, uint id, string name)
    {
        var bytes = Text(name);
        var data = new byte[4 + bytes.Length];
        BinaryPrimitives.WriteUInt32BigEndian(data, id);
        bytes.CopyTo(data, 4);
        WriteReply(target, option, NbdOptionReply.MetaContext, data);
    }

    /// <summary>The whole answer to EXPORT_NAME: no reply header, and padding for clients that did not agree to go without.</summary>
    public static void WriteExportNameReply(IBufferWriter<byte> target, long sizeBytes, NbdExportFlags flags, bool padded)
    {
        var length = NbdProtocol.ExportNameReplySize + (padded ? NbdProtocol.ExportNamePadding : 0);
        var span = target.GetSpan(length)[..length];
        span.Clear();
        BinaryPrimitives.WriteUInt64BigEndian(span, (ulong)sizeBytes);
        BinaryPrimitives.WriteUInt16BigEndian(span[8..], (ushort)flags);
        target.Advance(length);
    }

    /// <summary>A name or query: at most 4096 bytes of valid UTF-8 without NUL.</summary>
    public static bool TryReadText(ReadOnlySpan<byte> source, out string text)
    {
        text = string.Empty;
        if (source.Length > NbdLimits.MaxStringBytes || source.Contains((byte)0))
        {
            return false;
        }

        try
        {
            text = StrictUtf8.GetString(source);
            return true;
        }
        catch (DecoderFallbackException)
        {
            return false;
        }
    }

    private static byte[] Text(string text)
    {
        var bytes = Encoding.UTF8.GetBytes(text);
        return bytes.Length <= NbdLimits.MaxStringBytes ? bytes : bytes[..NbdLimits.MaxStringBytes];
    }
}
