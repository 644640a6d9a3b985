using Dr.Edge.Volumes.Disk;
using Dr.Edge.Volumes.Format;

namespace Dr.Edge.Volumes;

/// <summary>Walks the batches of a layer file: headers and descriptors are read and checked; data is stepped over, or checked too when asked for.</summary>
internal sealed class LayerScanner(DurableFile file, VolumeId volume, long volumeBlocks, long start, long end)
{
    private byte[] _window = new byte[64 * 1024];
    private long _windowStart = -1;
    private int _windowLength;
    private int _sectionStart;

    public BatchHeader Header { get; private set; }

    /// <summary>Where the current batch begins in the file.</summary>
    public long Offset { get; private set; } = start;

    /// <summary>Where the next batch would begin.</summary>
    public long NextOffset { get; private set; } = start;

    /// <summary>Descriptors and block checksums of the current batch; valid until the next call.</summary>
    public ReadOnlySpan<byte> Section => _window.AsSpan(_sectionStart, Header.DescriptorSectionLength);

    public long DataFileOffset => Offset + Header.DataOffset;

    /// <summary>False at the end, or at a batch that is not right; then <see cref="Problem"/> says why.</summary>
    public bool TryNext()
    {
        Problem = null;
        Offset = NextOffset;
        if (Offset >= end)
        {
            return false;
        }

        if (!Load(Offset, BatchHeader.SizeBytes, out var position) || !BatchHeader.TryRead(_window.AsSpan(position, BatchHeader.SizeBytes), out var header)
            || header.VolumeId != volume.Guid)
        {
            Problem = "a batch header of this volume";
            return false;
        }

        if (Offset + header.TotalLength > end)
        {
            Problem = "a whole batch";
            return false;
        }

        if (!Load(Offset, header.DataOffset, out position)
            || !BatchReader.TryVerifyDescriptors(header, _window.AsSpan(position + BatchHeader.SizeBytes, header.DescriptorSectionLength), volumeBlocks))
        {
            Problem = "descriptors that match their checksum";
            return false;
        }

        _sectionStart = position + BatchHeader.SizeBytes;
        Header = header;
        NextOffset = Offset + header.TotalLength;
        return true;
    }

    public string? Problem { get; private set; }

    /// <summary>Reads the current batch's data and returns the index of the first damaged block; -1 when all are right.</summary>
    public int FindDamagedBlock()
    {
        var checksums = BatchReader.Checksums(Header, Section);
        var buffer = new byte[Math.Min(Header.DataBlockCount, 256) * StoreLimits.BlockBytes];
        for (var index = 0; index < Header.DataBlockCount;)
        {
            var blocks = Math.Min(Header.DataBlockCount - index, 256);
            var part = buffer.AsSpan(0, blocks * StoreLimits.BlockBytes);
            var read = file.Read(part, DataFileOffset + ((long)index * StoreLimits.BlockBytes));
            var damaged = BatchReader.FindDamagedBlock(checksums[(index * BatchHeader.ChecksumBytes)..], part[..(Math.Max(read, 0) & ~(StoreLimits.BlockBytes - 1))]);
            if (damaged >= 0)
            {
                return index + damaged;
            }

            if (read < part.Length)
            {
                return index + (Math.Max(read, 0) / StoreLimits.BlockBytes);
            }

            index += blocks;
        }

        return -1;
    }

    /// <summary>The volume's block that the current batch's data block <paramref name="index"/> belongs to.</summary>
    public long BlockAt(int index)
    {
        for (var i = 0; i < Header.ExtentCount; i++)
        {
            var extent = BatchReader.Descriptor(Section, i);
            if (extent.Kind != ExtentKind.Data)
            {
                continue;
            }

            if (index < extent.BlockCount)
            {
                return extent.FirstBlock + index;
            }

            index -= (int)extent.BlockCount;
        }

        throw new ArgumentOutOfRangeException(nameof(index));
    }

    private bool Load(long offset, int length, out int position)
    {
        position = 0;
        if (offset + length > end)
        {
            return false;
        }

        if (_windowStart < 0 || offset < _windowStart || offset + length > _windowStart + _windowLength)
        {
            if (length > _window.Length)
            {
                _window = new byte[length];
            }

            var read = file.Read(_window.AsSpan(0, (int)Math.Min(_window.Length, end - offset)), offset);
            if (read < length)
            {
                _windowStart = -1;
                return false;
            }

            _windowStart = offset;
            _windowLength = read;
        }

        position = (int)(offset - _windowStart);
        return true;
    }
}
