using System.Buffers.Binary;
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
        var payload = JsonSerializer.SerializeToUtf8Bytes(state, ManifestJson.Default.ManifestState);
        var record = new byte[HeaderBytes + payload.Length];
        payload.CopyTo(record, HeaderBytes);
        BinaryPrimitives.WriteUInt32LittleEndian(record.AsSpan(MagicOffset), Magic);
        BinaryPrimitives.WriteUInt16LittleEndian(record.AsSpan(VersionOffset), Version);
        BinaryPrimitives.WriteUInt16LittleEndian(record.AsSpan(HeaderLengthOffset), HeaderBytes);
        BinaryPrimitives.WriteInt64LittleEndian(record.AsSpan(NumberOffset), number);
        BinaryPrimitives.WriteInt32LittleEndian(record.AsSpan(PayloadLengthOffset), payload.Length);
        BinaryPrimitives.WriteUInt32LittleEndian(record.AsSpan(PayloadChecksumOffset), Crc32C.Compute(payload));
        BinaryPrimitives.WriteUInt32LittleEndian(record.AsSpan(HeaderChecksumOffset), Crc32C.Compute(record.AsSpan(0, HeaderChecksumOffset)));
        return record;
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
