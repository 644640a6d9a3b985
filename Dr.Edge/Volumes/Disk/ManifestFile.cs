using System.Buffers;
using Dr.Edge.Volumes.Format;

namespace Dr.Edge.Volumes.Disk;

/// <summary>
/// The manifest on disk. Each record is flushed before the next is begun, so a bad record can only be torn when it is the last one and nobody has seen it durable; anything else is damage.
/// One writer at a time (the volume's sync lock).
/// <para>What nobody should wait for is done beside it, by one at a time: a file that takes the place of one that <see cref="IsLong"/>, and zeros behind the end, so that a record overwrites blocks that are
/// durable already and its flush waits for nothing but them, whatever other files the file system's journal has on its hands.</para>
/// </summary>
internal sealed partial class ManifestFile : IDisposable
{
    private readonly string _path;
    private readonly StoreFaults _faults;
    private DurableFile _file;
    private long _length;
    private int _recordBytes = StoreLimits.BlockBytes;
    private long _roomEnd;
    private readonly ArrayBufferWriter<byte> _record = new(StoreLimits.BlockBytes);

    private ManifestFile(string path, DurableFile file, long length, long records, ManifestState state, StoreFaults faults)
    {
        _path = path;
        _file = file;
        _length = length;
        Records = records;
        State = state;
        _faults = faults;
    }

    /// <summary>Number of the last record.</summary>
    public long Records { get; private set; }

    public ManifestState State { get; private set; }

    public static ManifestFile Create(string path, ManifestState state, StoreFaults faults)
    {
        var record = ManifestRecord.Encode(1, state);
        var file = DurableFile.Open(path, FileMode.CreateNew, faults);
        file.Write(record, 0);
        file.SyncData();
        return new ManifestFile(path, file, record.Length, 1, state, faults);
    }

    /// <param name="knownRecords">Record number that was seen durable (<see cref="FlushMark"/>): the file must reach it.</param>
    public static ManifestFile Open(string path, long knownRecords, StoreFaults faults)
    {
        var file = DurableFile.Open(path, FileMode.Open, faults);
        try
        {
            var content = new byte[file.Length];
            file.ReadExactly(content, 0);
            ManifestState? state = null;
            long records = 0;
            var position = 0;
            while (ManifestRecord.TryRead(content.AsSpan(position), out var number, out var length) is { } read && (state is null || number == records + 1))
            {
                state = read;
                records = number;
                position += length;
            }

            if (state is null || records < knownRecords || HasRecordAfter(content.AsSpan(position), records))
            {
                throw new CorruptDataException(path, position, $"record {records + 1}", "something else");
            }

            if (position < content.Length)
            {
                file.Truncate(position);
                file.SyncData();
            }

            return new ManifestFile(path, file, position, records, state, faults);
        }
        catch
        {
            file.Dispose();
            throw;
        }
    }

    /// <summary>Somebody should have it rewritten while nobody waits for a record.</summary>
    public bool IsLong => _length > CompactBytes / 2;

    private long CompactBytes => Math.Max(StoreLimits.ManifestCompactBytes, (long)StoreLimits.ManifestCompactRecords * _recordBytes);

    /// <summary>The last record as it is in the file; valid until the next <see cref="Commit"/>.</summary>
    public ReadOnlySpan<byte> LastRecord
    {
        get
        {
            if (_record.WrittenCount == 0)
            {
                ManifestRecord.Encode(Records, State, _record);
            }

            return _record.WrittenSpan;
        }
    }

    /// <summary>Makes <paramref name="state"/> the volume's state; durable on return. After a failure other than a full disk the volume must stop.</summary>
    public void Commit(ManifestState state)
    {
        ManifestRecord.Encode(Records + 1, state, _record);
        try
        {
            Write(_record.WrittenSpan);
        }
        catch
        {
            // It is not the last one.
            _record.ResetWrittenCount();
            throw;
        }

        Records++;
        State = state;
        _ = TryMakeRoom();
    }

    private void Write(ReadOnlySpan<byte> record)
    {
        if (_length > CompactBytes && !_isPreparing && TryCompact(record))
        {
            return;
        }

        try
        {
            _file.Write(record, _length);
        }
        catch (DiskException exception) when (exception.IsFull)
        {
            if (_zeroedTo <= _length && _file.Length > _length)
            {
                // Cutting also gives the room back, which may not be had again.
                _file.Truncate(_length);
                _roomEnd = 0;
            }

            throw;
        }

        StoreFaults.Pass(CrashPoints.ManifestWritten);
        _file.SyncData();
        _length += record.Length;
        _recordBytes = record.Length;
    }

    /// <summary>
    /// Takes disk space for the next records before they are needed, so that a record never meets a full disk when space has to be made. The file's length stays: what lies behind it is nothing
    /// until it is written. 0 or the error.
    /// </summary>
    public int TryMakeRoom()
    {
        var needed = _length + (2 * (long)_recordBytes);
        if (needed <= _roomEnd)
        {
            return 0;
        }

        var end = Math.Max(needed, _length + StoreLimits.ManifestRoomBytes);
        var errno = _file.TryAllocate(_length, end - _length);
        if (errno == 0)
        {
            _roomEnd = end;
        }

        return errno;
    }

    /// <summary>Where the records on disk are no longer those that were written; null when all are.</summary>
    public (long Offset, long Length)? FindDamage()
    {
        var length = _length;
        var content = new byte[length];
        var read = Math.Max(_file.Read(content, 0), 0);
        var position = 0;
        while (position < length)
        {
            if (ManifestRecord.TryRead(content.AsSpan(0, read)[Math.Min(position, read)..], out _, out var recordLength) is null)
            {
                return (position, length - position);
            }

            position += recordLength;
        }

        return null;
    }

    public void Dispose()
    {
        if (_zeroedTo > _length)
        {
            // A closed manifest ends with its last record.
            _ = _file.TryTruncate(_length);
        }

        _file.Dispose();
    }

    /// <summary>False when the disk has no space for the new file; the old one then grows on in the room it has.</summary>
    private bool TryCompact(ReadOnlySpan<byte> record)
    {
        try
        {
            DurableFile.Replace(_path, record, _faults);
        }
        catch (DiskException exception) when (exception.IsFull)
        {
            DurableDirectory.Remove(_path + DurableFile.NewSuffix, _faults);
            return false;
        }

        GoOnInReplacement(record.Length, record.Length);
        return true;
    }

    /// <summary>What has the manifest's name now is the manifest: one record, and zeros up to <paramref name="zeroedTo"/>.</summary>
    private void GoOnInReplacement(int recordBytes, long zeroedTo)
    {
        StoreFaults.Pass(CrashPoints.ManifestCompacted);

        // Closing frees its blocks, for which some file systems wait for the disk; who commits need not.
        ThreadPool.UnsafeQueueUserWorkItem(static replaced => replaced.Dispose(), _file, preferLocal: false);
        _file = DurableFile.Open(_path, FileMode.Open, _faults);
        _length = recordBytes;
        _recordBytes = recordBytes;
        (_zeroedTo, _roomEnd) = (zeroedTo, zeroedTo > recordBytes ? zeroedTo : 0);
    }

    private static bool HasRecordAfter(ReadOnlySpan<byte> rest, long records)
    {
        ReadOnlySpan<byte> magic = "DRR1"u8;
        for (var next = rest.IndexOf(magic); next >= 0; next = rest.IndexOf(magic))
        {
            rest = rest[next..];
            if (ManifestRecord.TryReadHeader(rest, out var number, out _) && number > records + 1)
            {
                return true;
            }

            rest = rest[1..];
        }

        return false;
    }
}
