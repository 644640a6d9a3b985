using System.Buffers.Binary;
using System.Runtime.InteropServices;

namespace Dr.Edge.Volumes.Format;

/// <summary>
/// The head of a batch in a layer; byte table in <c>volume-format.md</c>. A batch is header, descriptors, one checksum per data block, data; its header checksum
/// covers, through the descriptor checksum and the block checksums, every byte of it, and the next batch repeats it.
/// </summary>
[StructLayout(LayoutKind.Auto)]
internal readonly record struct BatchHeader
{
    public const uint Magic = 0x31425244; // "DRB1"
    public const ushort Version = 1;
    public const int SizeBytes = 96;
    public const int DescriptorBytes = 16;
    public const int ChecksumBytes = 4;

    public const int MagicOffset = 0;
    public const int VersionOffset = 4;
    public const int HeaderLengthOffset = 6;
    public const int VolumeIdOffset = 8;
    public const int GenerationOffset = 24;
    public const int FirstSequenceOffset = 40;
    public const int TimeOffset = 48;
    public const int DurableOffset = 56;
    public const int ExtentCountOffset = 64;
    public const int DataBlockCountOffset = 68;
    public const int TotalLengthOffset = 72;
    public const int PreviousChecksumOffset = 76;
    public const int DescriptorChecksumOffset = 80;
    public const int ReservedOffset = 84;
    public const int HeaderChecksumOffset = 92;

    public Guid VolumeId { get; init; }

    public Guid Generation { get; init; }

    /// <summary>Sequence number of the first extent; each further extent has the next.</summary>
    public long FirstSequence { get; init; }

    /// <summary>UTC microseconds since 1970.</summary>
    public long TimeMicroseconds { get; init; }

    /// <summary>What was known to be on stable storage when this was written: proof that an earlier batch is damaged, not torn. In a staging mark the resume position.</summary>
    public long Durable { get; init; }

    public int ExtentCount { get; init; }

    public int DataBlockCount { get; init; }

    public int TotalLength { get; init; }

    public uint PreviousChecksum { get; init; }

    public uint DescriptorChecksum { get; init; }

    /// <summary>Filled by <see cref="TryRead"/> and <see cref="Write"/>'s result.</summary>
    public uint HeaderChecksum { get; init; }

    public long LastSequence => FirstSequence + ExtentCount - 1;

    /// <summary>Descriptors and block checksums together.</summary>
    public int DescriptorSectionLength => (ExtentCount * DescriptorBytes) + (DataBlockCount * ChecksumBytes);

    public int DataOffset => SizeBytes + DescriptorSectionLength;

    public DateTimeOffset At => DateTimeOffset.UnixEpoch.AddMicroseconds(TimeMicroseconds);

    public static long ToMicroseconds(DateTimeOffset at) => (at.UtcTicks - DateTimeOffset.UnixEpoch.Ticks) / TimeSpan.TicksPerMicrosecond;

    /// <summary>Writes the header and returns its checksum.</summary>
    public uint Write(Span<byte> destination)
    {
        destination[..SizeBytes].Clear();
        BinaryPrimitives.WriteUInt32LittleEndian(destination[MagicOffset..], Magic);
        BinaryPrimitives.WriteUInt16LittleEndian(destination[VersionOffset..], Version);
        BinaryPrimitives.WriteUInt16LittleEndian(destination[HeaderLengthOffset..], SizeBytes);
        VolumeId.TryWriteBytes(destination[VolumeIdOffset..]);
        Generation.TryWriteBytes(destination[GenerationOffset..]);
        BinaryPrimitives.WriteInt64LittleEndian(destination[FirstSequenceOffset..], FirstSequence);
        BinaryPrimitives.WriteInt64LittleEndian(destination[TimeOffset..], TimeMicroseconds);
        BinaryPrimitives.WriteInt64LittleEndian(destination[DurableOffset..], Durable);
        BinaryPrimitives.WriteInt32LittleEndian(destination[ExtentCountOffset..], ExtentCount);
        BinaryPrimitives.WriteInt32LittleEndian(destination[DataBlockCountOffset..], DataBlockCount);
        BinaryPrimitives.WriteInt32LittleEndian(destination[TotalLengthOffset..], TotalLength);
        BinaryPrimitives.WriteUInt32LittleEndian(destination[PreviousChecksumOffset..], PreviousChecksum);
        BinaryPrimitives.WriteUInt32LittleEndian(destination[DescriptorChecksumOffset..], DescriptorChecksum);
        var checksum = Crc32C.Compute(destination[..HeaderChecksumOffset]);
        BinaryPrimitives.WriteUInt32LittleEndian(destination[HeaderChecksumOffset..], checksum);
        return checksum;
    }

    /// <summary>True when <paramref name="source"/> begins with a header that is whole, right and consistent in itself; nothing after the header is looked at.</summary>
    public static bool TryRead(ReadOnlySpan<byte> source, out BatchHeader header)
    {
        header = default;
        if (source.Length < SizeBytes
            || BinaryPrimitives.ReadUInt32LittleEndian(source[MagicOffset..]) != Magic
            || BinaryPrimitives.ReadUInt32LittleEndian(source[HeaderChecksumOffset..]) is var checksum && checksum != Crc32C.Compute(source[..HeaderChecksumOffset])
            || BinaryPrimitives.ReadUInt16LittleEndian(source[VersionOffset..]) != Version
            || BinaryPrimitives.ReadUInt16LittleEndian(source[HeaderLengthOffset..]) != SizeBytes)
        {
            return false;
        }

        header = new BatchHeader
        {
            VolumeId = new Guid(source.Slice(VolumeIdOffset, 16)),
            Generation = new Guid(source.Slice(GenerationOffset, 16)),
            FirstSequence = BinaryPrimitives.ReadInt64LittleEndian(source[FirstSequenceOffset..]),
            TimeMicroseconds = BinaryPrimitives.ReadInt64LittleEndian(source[TimeOffset..]),
            Durable = BinaryPrimitives.ReadInt64LittleEndian(source[DurableOffset..]),
            ExtentCount = BinaryPrimitives.ReadInt32LittleEndian(source[ExtentCountOffset..]),
            DataBlockCount = BinaryPrimitives.ReadInt32LittleEndian(source[DataBlockCountOffset..]),
            TotalLength = BinaryPrimitives.ReadInt32LittleEndian(source[TotalLengthOffset..]),
            PreviousChecksum = BinaryPrimitives.ReadUInt32LittleEndian(source[PreviousChecksumOffset..]),
            DescriptorChecksum = BinaryPrimitives.ReadUInt32LittleEndian(source[DescriptorChecksumOffset..]),
            HeaderChecksum = checksum,
        };
        return header.ExtentCount is >= 0 and <= StoreLimits.MaxExtentsPerBatch
            && header.DataBlockCount is >= 0 and <= StoreLimits.MaxBatchBytes / StoreLimits.BlockBytes
            && header.TotalLength == header.DataOffset + (header.DataBlockCount * StoreLimits.BlockBytes)
            && header.TotalLength <= StoreLimits.MaxBatchBytes
            && header.FirstSequence > 0;
    }
}
