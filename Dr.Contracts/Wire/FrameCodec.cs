using System.Buffers;
using System.Buffers.Binary;

namespace Dr.Contracts.Wire;

/// <summary>Writes and reads frames. Stateless: who reads keeps count of <see cref="FrameHeader.Sequence"/>. Little-endian; ids in network order.</summary>
public static class FrameCodec
{
    /// <summary>"DRW1" as bytes on the wire.</summary>
    public const uint Magic = 0x31575244;

    public const int MagicOffset = 0;
    public const int PayloadLengthOffset = 4;
    public const int TypeOffset = 8;
    public const int FlagsOffset = 9;
    public const int Reserved1Offset = 10;
    public const int StreamOffset = 12;
    public const int SequenceOffset = 16;
    public const int EpochOffset = 24;
    public const int GenerationOffset = 32;
    public const int RawLengthOffset = 48;
    public const int PayloadCrcOffset = 52;
    public const int Reserved2Offset = 56;
    public const int HeaderCrcOffset = 60;
    public const int HeaderSize = 64;

    /// <summary>
    /// Longest payload, on the wire and decompressed. Larger messages are continued in further frames, so that several volumes share a slow line fairly and a
    /// peer cannot make us reserve more than this.
    /// </summary>
    public const int MaxPayload = 4 * 1024 * 1024;

    /// <summary>Fills the header of a frame whose payload is <paramref name="payload"/>; the payload is written after it as it is.</summary>
    public static void WriteHeader(Span<byte> destination, in FrameHeader header, ReadOnlySpan<byte> payload)
    {
        if (payload.Length > MaxPayload || header.RawLength > MaxPayload)
        {
            throw new ArgumentOutOfRangeException(nameof(payload), payload.Length, "A frame's payload is too long.");
        }

        var raw = destination[..HeaderSize];
        raw.Clear();
        BinaryPrimitives.WriteUInt32LittleEndian(raw[MagicOffset..], Magic);
        BinaryPrimitives.WriteInt32LittleEndian(raw[PayloadLengthOffset..], payload.Length);
        raw[TypeOffset] = (byte)header.Type;
        raw[FlagsOffset] = (byte)header.Flags;
        BinaryPrimitives.WriteInt32LittleEndian(raw[StreamOffset..], header.Stream);
        BinaryPrimitives.WriteInt64LittleEndian(raw[SequenceOffset..], header.Sequence);
        BinaryPrimitives.WriteInt64LittleEndian(raw[EpochOffset..], header.Epoch.Value);
        header.Generation.Guid.TryWriteBytes(raw[GenerationOffset..], bigEndian: true, out _);
        BinaryPrimitives.WriteInt32LittleEndian(raw[RawLengthOffset..], header.RawLength);
        BinaryPrimitives.WriteUInt32LittleEndian(raw[PayloadCrcOffset..], Crc32C.Compute(payload));
        BinaryPrimitives.WriteUInt32LittleEndian(raw[HeaderCrcOffset..], Crc32C.Compute(raw[..HeaderCrcOffset]));
    }

    /// <summary>Takes one frame off <paramref name="input"/>, leaving it untouched unless a whole valid frame is there.</summary>
    public static FrameReadStatus TryRead(ref ReadOnlySequence<byte> input, out FrameHeader header, out ReadOnlySequence<byte> payload)
    {
        (header, payload) = (default, default);
        if (input.Length < HeaderSize)
        {
            return LooksLikeAFrame(input) ? FrameReadStatus.NeedMoreData : FrameReadStatus.Corrupt;
        }

        Span<byte> raw = stackalloc byte[HeaderSize];
        input.Slice(0, HeaderSize).CopyTo(raw);

        // The header is verified before its length is believed: a flipped bit cannot make us wait for, or reserve, two gigabytes.
        if (!TryParseHeader(raw, out header))
        {
            return FrameReadStatus.Corrupt;
        }

        if (input.Length < HeaderSize + header.PayloadLength)
        {
            return FrameReadStatus.NeedMoreData;
        }

        var body = input.Slice(HeaderSize, header.PayloadLength);
        if (ComputeCrc(body) != header.PayloadCrc)
        {
            return FrameReadStatus.Corrupt;
        }

        payload = body;
        input = input.Slice(HeaderSize + header.PayloadLength);
        return FrameReadStatus.Frame;
    }

    private static bool TryParseHeader(ReadOnlySpan<byte> raw, out FrameHeader header)
    {
        header = new FrameHeader(
            (FrameType)raw[TypeOffset],
            (FrameFlags)raw[FlagsOffset],
            BinaryPrimitives.ReadInt32LittleEndian(raw[PayloadLengthOffset..]),
            BinaryPrimitives.ReadInt32LittleEndian(raw[StreamOffset..]),
            BinaryPrimitives.ReadInt64LittleEndian(raw[SequenceOffset..]),
            new Epoch(BinaryPrimitives.ReadInt64LittleEndian(raw[EpochOffset..])),
            new Generation(new Guid(raw.Slice(GenerationOffset, 16), bigEndian: true)),
            BinaryPrimitives.ReadInt32LittleEndian(raw[RawLengthOffset..]),
            BinaryPrimitives.ReadUInt32LittleEndian(raw[PayloadCrcOffset..]));

        return BinaryPrimitives.ReadUInt32LittleEndian(raw[MagicOffset..]) == Magic
            && BinaryPrimitives.ReadUInt32LittleEndian(raw[HeaderCrcOffset..]) == Crc32C.Compute(raw[..HeaderCrcOffset])
            && header.PayloadLength is >= 0 and <= MaxPayload
            && header.RawLength is >= 0 and <= MaxPayload
            && (header.Flags.HasFlag(FrameFlags.Zstd) || header.RawLength == header.PayloadLength)
            && header.Type is >= FrameType.Hello and <= FrameType.ArrangedDelta
            && header is { Stream: >= 0, Sequence: > 0, Epoch.Value: >= 0 };
    }

    // A peer that speaks something else is refused at its first bytes instead of being waited for.
    private static bool LooksLikeAFrame(in ReadOnlySequence<byte> input)
    {
        Span<byte> start = stackalloc byte[sizeof(uint)];
        Span<byte> magic = stackalloc byte[sizeof(uint)];
        var length = (int)Math.Min(input.Length, sizeof(uint));
        input.Slice(0, length).CopyTo(start);
        BinaryPrimitives.WriteUInt32LittleEndian(magic, Magic);
        return start[..length].SequenceEqual(magic[..length]);
    }

    private static uint ComputeCrc(in ReadOnlySequence<byte> body)
    {
        var state = uint.MaxValue;
        foreach (var segment in body)
        {
            state = Crc32C.Append(state, segment.Span);
        }

        return ~state;
    }
}
