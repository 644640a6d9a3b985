using Dr.Edge.Volumes.Digests;
using Dr.Edge.Volumes.Disk;
using Dr.Edge.Volumes.Format;
using Dr.Edge.Volumes.Writing;

namespace Dr.Edge.Volumes;

/// <summary>
/// A delta on its way in: a durable layer beside the volume that nobody sees until <see cref="Commit"/>. It survives a restart: <see cref="Volume.OpenStaging"/>
/// with the same points finds it again with everything up to its last <see cref="Flush"/>. One user at a time.
/// </summary>
internal sealed class StagingLayer : IDisposable
{
    private const int MaxBatchBlocks = 512;
    private readonly Volume _volume;
    private readonly BatchBuilder _batch = new();
    private readonly LayerFile _file;
    private long _tail = LayerHeader.SizeBytes;
    private long _sequence;
    private uint _chain;
    private VolumeView? _base;
    private bool _isOpen;
    private long _behindTo = LayerHeader.SizeBytes;

    internal StagingLayer(Volume volume, StagingMark mark, LayerFile file)
    {
        _volume = volume;
        Mark = mark;
        _file = file;
        Recover();
    }

    public PointId? BasePoint => Mark.BasePoint;

    public PointInfo Target => Mark.Target;

    /// <summary>What the last <see cref="Flush"/> recorded; 0 in a new one. Its meaning is the caller's.</summary>
    public long ResumePosition { get; private set; }

    /// <summary>What the volume has room for.</summary>
    public long Blocks => _volume.SizeBytes / StoreLimits.BlockBytes;

    internal StagingMark Mark { get; }

    internal LayerFile File => _file;

    internal long Tail => _tail;

    /// <summary>
    /// Room for one block. What is put there is staged by <see cref="Keep"/> and no later than by <see cref="WriteKept"/>: many blocks, wherever they belong, are one append.
    /// </summary>
    public Span<byte> Next()
    {
        OpenBatch();
        return _batch.Next;
    }

    /// <param name="checksum">CRC32C of the block's 4096 bytes, as it was proven.</param>
    public void Keep(long block, uint checksum) => _batch.Keep(block, checksum);

    public void KeepZero(long block)
    {
        OpenBatch();
        _batch.KeepZero(block);
    }

    public void WriteKept()
    {
        if (_isOpen && _batch.ExtentCount > 0)
        {
            Append(resumePosition: 0);
        }

        _isOpen = false;
    }

    /// <summary>Whole blocks; <paramref name="data"/> is a multiple of 4096 bytes.</summary>
    public void WriteBlocks(long firstBlock, ReadOnlySpan<byte> data)
    {
        WriteKept();
        for (var done = 0; done < data.Length;)
        {
            var length = Math.Min(data.Length - done, MaxBatchBlocks * StoreLimits.BlockBytes);
            var count = length / StoreLimits.BlockBytes;
            _batch.Begin(1, count);
            data.Slice(done, length).CopyTo(_batch.AddData(firstBlock, count));
            _batch.Sum(0, count);
            Append(resumePosition: 0);
            firstBlock += count;
            done += length;
        }
    }

    public void WriteZeroes(long firstBlock, long count)
    {
        WriteKept();
        for (long done = 0; done < count; done += uint.MaxValue)
        {
            _batch.Begin(1, 0);
            _batch.AddZero(firstBlock + done, (uint)Math.Min(count - done, uint.MaxValue));
            Append(resumePosition: 0);
        }
    }

    /// <summary>Reads blocks as the base point has them (what a partial unit is merged into); zeros without a base.</summary>
    public void ReadBase(long firstBlock, Span<byte> destination)
    {
        if (BasePoint is null)
        {
            destination.Clear();
        }
        else
        {
            _base ??= _volume.OpenView(BasePoint.Value);
            _base.ReadPadded(firstBlock * StoreLimits.BlockBytes, destination);
        }
    }

    /// <summary>Everything written so far is on stable storage, then <paramref name="resumePosition"/> is, in this order.</summary>
    public void Flush(long resumePosition)
    {
        WriteKept();
        SyncFile();
        StoreFaults.Pass(CrashPoints.StagingSynced);
        _batch.Begin(0, 0);
        Append(resumePosition);
        SyncFile();
        ResumePosition = resumePosition;
    }

    /// <summary>The digest (<see cref="Volume.ContentDigest"/>) that the target point would have.</summary>
    public byte[] Digest(DigestKind kind = DigestKind.Content) => _volume.DigestStaged(this, kind);

    /// <summary>
    /// One manifest record attaches layer and point and moves the volume to the point's sequence number; durable on return. <paramref name="generations"/> is the source's
    /// chain up to the point.
    /// </summary>
    /// <exception cref="CorruptDataException">The digest is not <paramref name="digest"/>; nothing was attached.</exception>
    public void Commit(ReadOnlySpan<byte> digest, IReadOnlyList<GenerationSpan> generations, DigestKind kind = DigestKind.Content)
    {
        WriteKept();
        SyncFile();
        var actual = Digest(kind);
        if (!digest.SequenceEqual(actual))
        {
            throw new CorruptDataException(_file.File.Path, 0, $"content with digest {Convert.ToHexStringLower(digest)}", Convert.ToHexStringLower(actual));
        }

        if (BasePoint is null)
        {
            _volume.DetachClones();
        }

        _volume.CommitStaged(this, generations);
    }

    /// <summary>Deletes the staged data.</summary>
    public void Discard() => _volume.DiscardStaged(Mark);

    public void Dispose()
    {
        _batch.Dispose();
        _base?.Dispose();
        _file.Release();
    }

    internal LayerScanner Scan() => new(_file.File, _volume.Id, _volume.SizeBytes / StoreLimits.BlockBytes, LayerHeader.SizeBytes, _tail);

    /// <summary>Everything up to the last mark; what lies behind it was not promised to anybody.</summary>
    private void Recover()
    {
        var length = _file.File.Length;
        var markEnd = (long)LayerHeader.SizeBytes;
        long markSequence = 0;
        uint markChain = 0;
        var scanner = new LayerScanner(_file.File, _volume.Id, _volume.SizeBytes / StoreLimits.BlockBytes, LayerHeader.SizeBytes, length);
        while (scanner.TryNext() && scanner.Header.FirstSequence == _sequence + 1 && (_sequence == 0 || scanner.Header.PreviousChecksum == _chain))
        {
            _sequence = Math.Max(_sequence + 1, scanner.Header.LastSequence);
            _chain = scanner.Header.HeaderChecksum;
            if (scanner.Header.ExtentCount == 0)
            {
                markEnd = scanner.NextOffset;
                ResumePosition = scanner.Header.Durable;
                (markSequence, markChain) = (_sequence, _chain);
            }
        }

        (_tail, _sequence, _chain) = (markEnd, markSequence, markChain);
        if (length > _tail)
        {
            _file.File.Truncate(_tail);
        }

        if (_tail > LayerHeader.SizeBytes)
        {
            // After a crash the mark and what it covers may be in memory only; the caller takes the resume position for durable.
            SyncFile();
        }
    }

    /// <summary>After a flush that failed nobody knows what is on the disk, and a second one that succeeds says nothing: the resume position must never get past it.</summary>
    private void SyncFile()
    {
        if (_file.File.TrySyncData() is var errno && errno != 0)
        {
            throw _volume.FailStaging(_file.File.Path, errno);
        }
    }

    private void OpenBatch()
    {
        if (_isOpen && (_batch.ExtentCount == MaxBatchBlocks || _batch.DataBlockCount == MaxBatchBlocks))
        {
            WriteKept();
        }

        if (!_isOpen)
        {
            _batch.Begin(MaxBatchBlocks, MaxBatchBlocks);
            _isOpen = true;
        }
    }

    private void Append(long resumePosition)
    {
        _volume.RequireStaging(Mark);
        _chain = _batch.Finish(new BatchHeader
        {
            VolumeId = _volume.Id.Guid,
            FirstSequence = _sequence + 1,
            TimeMicroseconds = BatchHeader.ToMicroseconds(Target.At),
            Durable = resumePosition,
            PreviousChecksum = _chain,
        });
        _file.File.Write(_batch.Bytes, _tail);
        _tail += _batch.Bytes.Length;
        if (_tail - _behindTo >= WriteBehind.PieceBytes)
        {
            _volume.StartWriting(_file, _behindTo, _behindTo = _tail & ~(StoreLimits.BlockBytes - 1L));
        }

        // A mark takes a number too, so that the batch after it is not taken for one from before.
        _sequence += Math.Max(_batch.ExtentCount, 1);
    }
}
