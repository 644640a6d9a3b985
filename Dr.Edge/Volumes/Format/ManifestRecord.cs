using System.Buffers;
using System.Buffers.Binary;
using System.Runtime.InteropServices;
using System.Text.Json;

namespace Dr.Edge.Volumes.Format;

/// <summary>One record of the manifest: a header with its own checksum, then the state as JSON.</summary>
internal static class ManifestRecord
{
    public const uint Magic = 0x31525244; // "DRR1"
    public const ushort Version = 1;
    public const int HeaderBytes = 32;
    public const int MagicOffset = 0;
    public const int VersionOffset = 4;
    public const int HeaderLengthOffset = 6;
    public const int NumberOffset = 8;
    public const int PayloadLengthOffset = 16;
    public const int PayloadChecksumOffset = 20;
    public const int HeaderChecksumOffset = 28;

    public static byte[] Encode(long number, ManifestState state)
    {
        var record = new ArrayBufferWriter<byte>();
        Encode(number, state, record);
        return record.WrittenSpan.ToArray();
    }

    /// <summary>Makes <paramref name="record"/> hold the record and nothing else. With 255 points it is about as long as what the runtime's collector counts as large, so that whoever writes many uses the same memory again.</summary>
    public static void Encode(long number, ManifestState state, ArrayBufferWriter<byte> record)
    {
        record.ResetWrittenCount();
        record.GetSpan(HeaderBytes)[..HeaderBytes].Clear();
        record.Advance(HeaderBytes);
        using (var json = new Utf8JsonWriter(record))
        {
            JsonSerializer.Serialize(json, state, ManifestJson.Default.ManifestState);
        }

        var bytes = MemoryMarshal.AsMemory(record.WrittenMemory).Span;
        var payload = bytes[HeaderBytes..];
        BinaryPrimitives.WriteUInt32LittleEndian(bytes[MagicOffset..], Magic);
        BinaryPrimitives.WriteUInt16LittleEndian(bytes[VersionOffset..], Version);
        BinaryPrimitives.WriteUInt16LittleEndian(bytes[HeaderLengthOffset..], HeaderBytes);
        BinaryPrimitives.WriteInt64LittleEndian(bytes[NumberOffset..], number);
        BinaryPrimitives.WriteInt32LittleEndian(bytes[PayloadLengthOffset..], payload.Length);
        BinaryPrimitives.WriteUInt32LittleEndian(bytes[PayloadChecksumOffset..], Crc32C.Compute(payload));
        BinaryPrimitives.WriteUInt32LittleEndian(bytes[HeaderChecksumOffset..], Crc32C.Compute(bytes[..HeaderChecksumOffset]));
    }

    /// <summary>The record at the start of <paramref name="source"/>; null when it is not whole and right.</summary>
    public static ManifestState? TryRead(ReadOnlySpan<byte> source, out long number, out int length)
    {
        if (!TryReadHeader(source, out number, out length) || source.Length < length)
        {
            return null;
        }

        var payload = source[HeaderBytes..length];
        return Crc32C.Compute(payload) == BinaryPrimitives.ReadUInt32LittleEndian(source[PayloadChecksumOffset..])
            ? JsonSerializer.Deserialize(payload, ManifestJson.Default.ManifestState)
            : null;
    }

    public static bool TryReadHeader(ReadOnlySpan<byte> source, out long number, out int length)
    {
        number = 0;
        length = 0;
        if (source.Length < HeaderBytes
            || BinaryPrimitives.ReadUInt32LittleEndian(source[MagicOffset..]) != Magic
            || BinaryPrimitives.ReadUInt32LittleEndian(source[HeaderChecksumOffset..]) != Crc32C.Compute(source[..HeaderChecksumOffset])
            || BinaryPrimitives.ReadUInt16LittleEndian(source[VersionOffset..]) != Version)
        {
            return false;
        }

        number = BinaryPrimitives.ReadInt64LittleEndian(source[NumberOffset..]);
        var payload = BinaryPrimitives.ReadInt32LittleEndian(source[PayloadLengthOffset..]);
        length = HeaderBytes + payload;
        return payload is > 0 and <= StoreLimits.MaxManifestRecordBytes;
    }
}
