using Dr.Edge.Volumes.Format;

namespace Dr.Edge.Volumes.Disk;

/// <content>What is done ahead, so that a commit need not: zeros behind the end, and the file that replaces a long one.</content>
internal sealed partial class ManifestFile
{
    // Records that fit into what is written ahead at once. A record of 255 points has some 80 KB.
    private const int RoomRecords = 8;
    private static readonly byte[] Zeros = new byte[StoreLimits.ManifestRoomBytes];

    // Up to where the file has zeros behind its last record; less than its length = none.
    private long _zeroedTo;

    // Somebody works on a replacement, or flushes the room: the file stays the same one until they are done.
    private bool _isPreparing;

    /// <summary>Too few zeros are left for the next two records.</summary>
    public bool WantsRoom => _zeroedTo < _length + (2L * _recordBytes);

    /// <summary>
    /// Under the sync lock: writes zeros behind the end; whoever asked flushes what is returned under no lock and says so to <see cref="EndRoom"/>. A record that comes before has to be flushed in the usual
    /// way. Null when the disk has no space for it.
    /// </summary>
    public DurableFile? BeginRoom()
    {
        var end = _length + RoomBytesFor(_recordBytes);
        if (TryWriteZeros(_file, Math.Max(_length, _zeroedTo), end) != 0)
        {
            return null;
        }

        (_zeroedTo, _roomEnd, _isPreparing) = (end, Math.Max(_roomEnd, end), true);
        return _file;
    }

    /// <summary>Under the sync lock.</summary>
    public void EndRoom() => _isPreparing = false;

    /// <summary>Under the sync lock: the last record for a new file; <see cref="Replacement.Write"/> it under no lock, then <see cref="EndReplacement"/>, whatever happened.</summary>
    public Replacement BeginReplacement()
    {
        _isPreparing = true;
        return new Replacement(_path + DurableFile.NewSuffix, Records, LastRecord.ToArray(), _faults);
    }

    /// <summary>
    /// Under the sync lock: what was written takes the manifest's place, with whatever was committed meanwhile. Without a whole new file (its disk was full) the old one goes on.
    /// After a failure other than a full disk the volume must stop.
    /// </summary>
    /// <param name="replaces">False: the new file goes.</param>
    public void EndReplacement(Replacement replacement, bool replaces)
    {
        _isPreparing = false;
        using (replacement)
        {
            if (!replaces || !replacement.TryFollow(Records, LastRecord))
            {
                replacement.Remove();
                return;
            }
        }

        DurableDirectory.Rename(replacement.Path, _path, _faults);
        DurableDirectory.Sync(System.IO.Path.GetDirectoryName(_path)!, _faults);
        GoOnInReplacement(LastRecord.Length, replacement.Length);
    }

    private static long RoomBytesFor(int recordBytes) => Math.Max(StoreLimits.ManifestRoomBytes, (long)RoomRecords * recordBytes);

    private static int TryWriteZeros(DurableFile file, long from, long to)
    {
        for (var errno = 0; from < to; from += Zeros.Length)
        {
            errno = file.TryWrite(Zeros.AsSpan(0, (int)Math.Min(Zeros.Length, to - from)), from);
            if (errno != 0)
            {
                return errno;
            }
        }

        return 0;
    }

    /// <summary>A new manifest file on its way: one record, and zeros behind it.</summary>
    internal sealed class Replacement(string path, long records, byte[] record, StoreFaults faults) : IDisposable
    {
        private DurableFile? _file;
        private int _recordBytes = record.Length;
        private long _records = records;

        public string Path { get; } = path;

        public long Length { get; } = record.Length + RoomBytesFor(record.Length);

        /// <summary>Durable on return, but for its name.</summary>
        public void Write()
        {
            _file = DurableFile.Open(Path, FileMode.Create, faults);
            _file.Write(record, 0);
            if (TryWriteZeros(_file, record.Length, Length) is var errno && errno != 0)
            {
                throw new DiskException(Path, "written", errno);
            }

            _file.SyncData();
        }

        /// <summary>Makes <paramref name="last"/> its record, if it is another by now. False when the disk has no space for it.</summary>
        public bool TryFollow(long records, ReadOnlySpan<byte> last)
        {
            if (records == _records)
            {
                return true;
            }

            try
            {
                _file!.Write(last, 0);
                if (TryWriteZeros(_file, last.Length, _recordBytes) is var errno && errno != 0)
                {
                    throw new DiskException(Path, "written", errno);
                }

                _file.SyncData();
            }
            catch (DiskException exception) when (exception.IsFull)
            {
                return false;
            }

            (_records, _recordBytes) = (records, last.Length);
            return true;
        }

        public void Remove()
        {
            Dispose();
            DurableDirectory.Remove(Path, faults);
        }

        public void Dispose() => _file?.Dispose();
    }
}
