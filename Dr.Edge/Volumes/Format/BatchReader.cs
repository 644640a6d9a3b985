using System.Buffers.Binary;

namespace Dr.Edge.Volumes.Format;

/// <summary>What a whole batch in memory says; <see cref="TryVerify"/> before anything else is believed.</summary>
internal static class BatchReader
{
    /// <summary>Checks that the descriptors are the ones the header was made for and that they stay inside the volume and add up.</summary>
    /// <param name="section">Descriptors and block checksums, exactly.</param>
    public static bool TryVerifyDescriptors(in BatchHeader header, ReadOnlySpan<byte> section, long volumeBlocks)
    {
        if (section.Length != header.DescriptorSectionLength || Crc32C.Compute(section) != header.DescriptorChecksum)
        {
            return false;
        }

        long dataBlocks = 0;
        for (var i = 0; i < header.ExtentCount; i++)
        {
            var descriptor = Descriptor(section, i);
            if (descriptor.FirstBlock < 0 || descriptor.BlockCount == 0 || descriptor.FirstBlock > volumeBlocks - descriptor.BlockCount
                || descriptor.Kind is not (ExtentKind.Data or ExtentKind.Zero))
            {
                return false;
            }

            dataBlocks += descriptor.Kind == ExtentKind.Data ? descriptor.BlockCount : 0;
        }

        return dataBlocks == header.DataBlockCount;
    }

    public static BatchDescriptor Descriptor(ReadOnlySpan<byte> section, int index) => BatchDescriptor.Read(section[(index * BatchHeader.DescriptorBytes)..]);

    public static ReadOnlySpan<byte> Checksums(in BatchHeader header, ReadOnlySpan<byte> section) => section[(header.ExtentCount * BatchHeader.DescriptorBytes)..];

    public static uint Checksum(ReadOnlySpan<byte> checksums, int index) => BinaryPrimitives.ReadUInt32LittleEndian(checksums[(index * BatchHeader.ChecksumBytes)..]);

    /// <summary>Index of the first data block whose content is not what its checksum says; -1 when all are right.</summary>
    public static int FindDamagedBlock(ReadOnlySpan<byte> checksums, ReadOnlySpan<byte> data)
    {
        for (var i = 0; i * StoreLimits.BlockBytes < data.Length; i++)
        {
            if (Crc32C.Compute(data.Slice(i * StoreLimits.BlockBytes, StoreLimits.BlockBytes)) != Checksum(checksums, i))
            {
                return i;
            }
        }

        return -1;
    }

    /// <summary>Every checksum of a whole batch; on failure where it is wrong, in words.</summary>
    public static bool TryVerify(ReadOnlySpan<byte> batch, long volumeBlocks, out BatchHeader header, out string? damage)
    {
        damage = null;
        if (!BatchHeader.TryRead(batch, out header))
        {
            damage = "a batch header";
        }
        else if (header.TotalLength != batch.Length)
        {
            damage = "a batch of the length its header says";
        }
        else if (batch[BatchHeader.SizeBytes..header.DataOffset] is var section && !TryVerifyDescriptors(header, section, volumeBlocks))
        {
            damage = "descriptors that match their checksum";
        }
        else if (FindDamagedBlock(Checksums(header, section), batch[header.DataOffset..]) >= 0)
        {
            damage = "data that matches its checksums";
        }

        return damage is null;
    }
}
