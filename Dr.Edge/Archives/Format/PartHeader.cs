using System.Buffers.Binary;
using System.Security.Cryptography;
using System.Text.Json.Serialization;
using Dr.Contracts.Wire;

namespace Dr.Edge.Archives.Format;

/// <summary>How the key of a set comes from what the operator has.</summary>
[JsonConverter(typeof(JsonStringEnumConverter<ArchiveKeyKind>))]
internal enum ArchiveKeyKind : byte
{
    /// <summary>Not encrypted.</summary>
    None = 0,

    /// <summary>HKDF-SHA-256 (RFC 5869) of a key file.</summary>
    KeyFile = 1,

    /// <summary>PBKDF2-HMAC-SHA-512 (RFC 8018) of a passphrase.</summary>
    Passphrase = 2,
}

/// <summary>The beginning of every part: says what set it belongs to and which place of the volume it begins at. One page, written twice.</summary>
internal sealed record PartHeader
{
    public const ulong Magic = 0x0a484352412d5244; // "DR-ARCH\n"
    public const ushort Version = 1;
    public const int Copies = 2;
    public const int SizeBytes = ArchiveLimits.PageBytes;
    public const int SaltBytes = 32;
    public const int KeyCheckBytes = 16;

    public const int MagicOffset = 0;
    public const int VersionOffset = 8;
    public const int KeyKindOffset = 10;
    public const int CopyOffset = 11;
    public const int PartNumberOffset = 12;
    public const int SetOffset = 16;
    public const int VolumeBytesOffset = 32;
    public const int FirstOffsetOffset = 40;
    public const int FirstRecordOffset = 48;
    public const int IterationsOffset = 56;
    public const int DescriptionLengthOffset = 60;
    public const int SetSaltOffset = 64;
    public const int PartSaltOffset = 96;
    public const int KeyCheckOffset = 128;
    public const int DescriptionOffset = 144;
    public const int ChecksumOffset = SizeBytes - 4;

    public required ArchiveKeyKind KeyKind { get; init; }

    /// <summary>1 and up.</summary>
    public required int PartNumber { get; init; }

    /// <summary>Made at random when the archive is begun; the same in all its parts.</summary>
    public required Guid Set { get; init; }

    public required long VolumeBytes { get; init; }

    /// <summary>What lies before this byte of the volume is in earlier parts.</summary>
    public required long FirstOffset { get; init; }

    /// <summary>Number of the part's first record; records are numbered through the set from 0.</summary>
    public required long FirstRecord { get; init; }

    /// <summary>PBKDF2 rounds; 0 without a passphrase.</summary>
    public int Iterations { get; init; }

    public required byte[] SetSalt { get; init; }

    /// <summary>New for every part that is begun: a part that is written a second time has another key, so no nonce is ever used twice with one.</summary>
    public required byte[] PartSalt { get; init; }

    /// <summary>Tells a wrong key from damage.</summary>
    public required byte[] KeyCheck { get; init; }

    public required ArchiveDescription Description { get; init; }

    /// <param name="copy">0 or 1: which of the two pages this is.</param>
    public byte[] Encode(int copy)
    {
        var page = new byte[SizeBytes];
        page[CopyOffset] = (byte)copy;
        BinaryPrimitives.WriteUInt64LittleEndian(page.AsSpan(MagicOffset), Magic);
        BinaryPrimitives.WriteUInt16LittleEndian(page.AsSpan(VersionOffset), Version);
        page[KeyKindOffset] = (byte)KeyKind;
        BinaryPrimitives.WriteInt32LittleEndian(page.AsSpan(PartNumberOffset), PartNumber);
        Set.TryWriteBytes(page.AsSpan(SetOffset));
        BinaryPrimitives.WriteInt64LittleEndian(page.AsSpan(VolumeBytesOffset), VolumeBytes);
        BinaryPrimitives.WriteInt64LittleEndian(page.AsSpan(FirstOffsetOffset), FirstOffset);
        BinaryPrimitives.WriteInt64LittleEndian(page.AsSpan(FirstRecordOffset), FirstRecord);
        BinaryPrimitives.WriteInt32LittleEndian(page.AsSpan(IterationsOffset), Iterations);
        SetSalt.CopyTo(page.AsSpan(SetSaltOffset));
        PartSalt.CopyTo(page.AsSpan(PartSaltOffset));
        KeyCheck.CopyTo(page.AsSpan(KeyCheckOffset));
        var description = Description.Encode();
        Invariant.Require(description.Length <= ChecksumOffset - DescriptionOffset, "an archive's description is too long for its header");
        BinaryPrimitives.WriteInt32LittleEndian(page.AsSpan(DescriptionLengthOffset), description.Length);
        description.CopyTo(page.AsSpan(DescriptionOffset));
        BinaryPrimitives.WriteUInt32LittleEndian(page.AsSpan(ChecksumOffset), Crc32C.Compute(page.AsSpan(0, ChecksumOffset)));
        return page;
    }

    /// <summary>The version that a page says; null when it is no header, or a damaged one.</summary>
    public static int? VersionOf(ReadOnlySpan<byte> page) =>
        page.Length >= SizeBytes && BinaryPrimitives.ReadUInt64LittleEndian(page) == Magic && BinaryPrimitives.ReadUInt32LittleEndian(page[ChecksumOffset..]) == Crc32C.Compute(page[..ChecksumOffset])
            ? BinaryPrimitives.ReadUInt16LittleEndian(page[VersionOffset..])
            : null;

    /// <summary>Null when the page is no header, a damaged one, or of another version.</summary>
    public static PartHeader? TryRead(ReadOnlySpan<byte> page)
    {
        if (VersionOf(page) != Version)
        {
            return null;
        }

        var length = BinaryPrimitives.ReadInt32LittleEndian(page[DescriptionLengthOffset..]);
        if (length is < 0 or > ChecksumOffset - DescriptionOffset || ArchiveDescription.TryParse(page.Slice(DescriptionOffset, length)) is not { } description)
        {
            return null;
        }

        var header = new PartHeader
        {
            KeyKind = (ArchiveKeyKind)page[KeyKindOffset],
            PartNumber = BinaryPrimitives.ReadInt32LittleEndian(page[PartNumberOffset..]),
            Set = new Guid(page.Slice(SetOffset, 16)),
            VolumeBytes = BinaryPrimitives.ReadInt64LittleEndian(page[VolumeBytesOffset..]),
            FirstOffset = BinaryPrimitives.ReadInt64LittleEndian(page[FirstOffsetOffset..]),
            FirstRecord = BinaryPrimitives.ReadInt64LittleEndian(page[FirstRecordOffset..]),
            Iterations = BinaryPrimitives.ReadInt32LittleEndian(page[IterationsOffset..]),
            SetSalt = page.Slice(SetSaltOffset, SaltBytes).ToArray(),
            PartSalt = page.Slice(PartSaltOffset, SaltBytes).ToArray(),
            KeyCheck = page.Slice(KeyCheckOffset, KeyCheckBytes).ToArray(),
            Description = description,
        };
        return header.IsPlausible ? header : null;
    }

    /// <summary>What every record of the part is bound to: SHA-256 of the page up to its checksum, with 0 for the number of the copy, so that either copy gives the same.</summary>
    public static byte[] Digest(ReadOnlySpan<byte> page)
    {
        var first = page[..ChecksumOffset].ToArray();
        first[CopyOffset] = 0;
        return SHA256.HashData(first);
    }

    /// <summary>0 or 1: which of the two copies a page is.</summary>
    public static int CopyOf(ReadOnlySpan<byte> page) => page[CopyOffset];

    private bool IsPlausible =>
        KeyKind <= ArchiveKeyKind.Passphrase && PartNumber is > 0 and <= ArchiveLimits.MaxParts && VolumeBytes is > 0 and <= Volumes.Format.StoreLimits.MaxVolumeBytes
        && FirstOffset >= 0 && FirstOffset <= VolumeBytes && FirstRecord >= 0 && Iterations is >= 0 and <= ArchiveLimits.MaxIterations;
}
