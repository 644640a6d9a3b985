using System.Buffers.Binary;

namespace Dr.Edge.Volumes.Format;

/// <summary>The identity of a volume: four copies in one file, of which the newest that is there twice counts.</summary>
internal sealed record Superblock
{
    public const uint Magic = 0x31535244; // "DRS1"
    public const ushort Version = 1;
    public const int CopyCount = 4;
    public const int CopyBytes = 4096;
    public const int SizeBytes = 128;

    public const int MagicOffset = 0;
    public const int VersionOffset = 4;
    public const int HeaderLengthOffset = 6;
    public const int SequenceOffset = 8;
    public const int VolumeIdOffset = 16;
    public const int SizeBytesOffset = 32;
    public const int GenerationOffset = 40;
    public const int EpochOffset = 56;
    public const int CreatedOffset = 64;
    public const int ParentIdOffset = 72;
    public const int ParentSequenceOffset = 88;
    public const int ParentPointOffset = 96;
    public const int ParentTimeOffset = 104;
    public const int ChecksumOffset = 124;

    /// <summary>Counts the times the superblock was written.</summary>
    public required long Sequence { get; init; }

    public required VolumeId Id { get; init; }

    public required long VolumeBytes { get; init; }

    public required Generation Generation { get; init; }

    public required Epoch Epoch { get; init; }

    public required DateTimeOffset CreatedAt { get; init; }

    /// <summary>Set in clones.</summary>
    public CloneOrigin? Origin { get; init; }

    public void Write(Span<byte> copy)
    {
        copy[..CopyBytes].Clear();
        BinaryPrimitives.WriteUInt32LittleEndian(copy[MagicOffset..], Magic);
        BinaryPrimitives.WriteUInt16LittleEndian(copy[VersionOffset..], Version);
        BinaryPrimitives.WriteUInt16LittleEndian(copy[HeaderLengthOffset..], SizeBytes);
        BinaryPrimitives.WriteInt64LittleEndian(copy[SequenceOffset..], Sequence);
        Id.Guid.TryWriteBytes(copy[VolumeIdOffset..]);
        BinaryPrimitives.WriteInt64LittleEndian(copy[SizeBytesOffset..], VolumeBytes);
        Generation.Guid.TryWriteBytes(copy[GenerationOffset..]);
        BinaryPrimitives.WriteInt64LittleEndian(copy[EpochOffset..], Epoch.Value);
        BinaryPrimitives.WriteInt64LittleEndian(copy[CreatedOffset..], BatchHeader.ToMicroseconds(CreatedAt));
        if (Origin is not null)
        {
            Origin.Volume.Guid.TryWriteBytes(copy[ParentIdOffset..]);
            BinaryPrimitives.WriteInt64LittleEndian(copy[ParentSequenceOffset..], Origin.Sequence.Value);
            BinaryPrimitives.WriteUInt64LittleEndian(copy[ParentPointOffset..], Origin.Point?.Bits ?? 0);
            BinaryPrimitives.WriteInt64LittleEndian(copy[ParentTimeOffset..], BatchHeader.ToMicroseconds(Origin.At));
        }

        BinaryPrimitives.WriteUInt32LittleEndian(copy[ChecksumOffset..], Crc32C.Compute(copy[..ChecksumOffset]));
    }

    public static Superblock? Read(ReadOnlySpan<byte> copy)
    {
        if (copy.Length < SizeBytes
            || BinaryPrimitives.ReadUInt32LittleEndian(copy[MagicOffset..]) != Magic
            || BinaryPrimitives.ReadUInt32LittleEndian(copy[ChecksumOffset..]) != Crc32C.Compute(copy[..ChecksumOffset])
            || BinaryPrimitives.ReadUInt16LittleEndian(copy[VersionOffset..]) != Version)
        {
            return null;
        }

        var parent = new Guid(copy.Slice(ParentIdOffset, 16));
        var point = BinaryPrimitives.ReadUInt64LittleEndian(copy[ParentPointOffset..]);
        return new Superblock
        {
            Sequence = BinaryPrimitives.ReadInt64LittleEndian(copy[SequenceOffset..]),
            Id = new VolumeId(new Guid(copy.Slice(VolumeIdOffset, 16))),
            VolumeBytes = BinaryPrimitives.ReadInt64LittleEndian(copy[SizeBytesOffset..]),
            Generation = new Generation(new Guid(copy.Slice(GenerationOffset, 16))),
            Epoch = new Epoch(BinaryPrimitives.ReadInt64LittleEndian(copy[EpochOffset..])),
            CreatedAt = Time(copy[CreatedOffset..]),
            Origin = parent == Guid.Empty ? null : new CloneOrigin(
                new VolumeId(parent),
                new SequenceNumber(BinaryPrimitives.ReadInt64LittleEndian(copy[ParentSequenceOffset..])),
                point == 0 ? null : new PointId(point),
                Time(copy[ParentTimeOffset..])),
        };
    }

    /// <summary>The newest superblock of which at least two copies are right; null when there is none.</summary>
    public static Superblock? Choose(ReadOnlySpan<byte> file)
    {
        Superblock? best = null;
        var copies = new List<Superblock>(CopyCount);
        for (var i = 0; i < CopyCount && file.Length >= (i + 1) * CopyBytes; i++)
        {
            if (Read(file.Slice(i * CopyBytes, CopyBytes)) is { } copy)
            {
                copies.Add(copy);
            }
        }

        foreach (var candidate in copies)
        {
            if (copies.Count(c => c == candidate) >= 2 && (best is null || candidate.Sequence > best.Sequence))
            {
                best = candidate;
            }
        }

        return best;
    }

    private static DateTimeOffset Time(ReadOnlySpan<byte> source) => DateTimeOffset.UnixEpoch.AddMicroseconds(BinaryPrimitives.ReadInt64LittleEndian(source));
}
