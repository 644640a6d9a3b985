using Dr.Edge.Volumes.Format;

namespace Dr.Edge.Volumes.Disk;

/// <summary>The superblock copies and the flush mark. Copies are written two and two with a flush between, so that a crash leaves two of the old or two of the new.</summary>
internal sealed class SuperblockFile : IDisposable
{
    private readonly DurableFile _file;
    private readonly byte[] _mark = new byte[FlushMark.SizeBytes];

    private SuperblockFile(DurableFile file, Superblock current)
    {
        _file = file;
        Current = current;
    }

    public Superblock Current { get; private set; }

    public static SuperblockFile Create(string path, Superblock superblock, StoreFaults faults)
    {
        var created = new SuperblockFile(DurableFile.Open(path, FileMode.CreateNew, faults), superblock);
        created.Write(superblock);
        return created;
    }

    public static SuperblockFile Open(string path, StoreFaults faults)
    {
        var file = DurableFile.Open(path, FileMode.Open, faults);
        var content = new byte[Superblock.CopyCount * Superblock.CopyBytes];
        _ = file.Read(content, 0);
        if (Superblock.Choose(content) is { } superblock)
        {
            var opened = new SuperblockFile(file, superblock);
            opened.RepairCopies(content);
            return opened;
        }

        file.Dispose();
        throw new CorruptDataException(path, 0, "two equal, undamaged superblock copies", "fewer");
    }

    public void Write(Superblock superblock)
    {
        var copy = new byte[Superblock.CopyBytes];
        superblock.Write(copy);
        for (var i = 0; i < Superblock.CopyCount; i++)
        {
            _file.Write(copy, (long)i * Superblock.CopyBytes);
            if (i % 2 == 1)
            {
                _file.SyncData();
                StoreFaults.Pass(CrashPoints.SuperblockHalf);
            }
        }

        Current = superblock;
    }

    public FlushMark ReadMark()
    {
        Span<byte> mark = stackalloc byte[FlushMark.SizeBytes];
        var read = _file.Read(mark, FlushMark.FileOffset);
        return FlushMark.Read(mark[..Math.Max(read, 0)]);
    }

    /// <summary>Not flushed and its failure ignored: the mark is only evidence, the flush it follows has succeeded.</summary>
    public void WriteMark(FlushMark mark)
    {
        mark.Write(_mark);
        _ = _file.TryWrite(_mark, FlushMark.FileOffset);
    }

    /// <summary>Number of copies that are not as the chosen one.</summary>
    public int CountBadCopies()
    {
        var content = new byte[Superblock.CopyCount * Superblock.CopyBytes];
        _ = _file.Read(content, 0);
        var bad = 0;
        for (var i = 0; i < Superblock.CopyCount; i++)
        {
            bad += Superblock.Read(content.AsSpan(i * Superblock.CopyBytes, Superblock.CopyBytes)) == Current ? 0 : 1;
        }

        return bad;
    }

    public void Dispose() => _file.Dispose();

    private void RepairCopies(byte[] content)
    {
        for (var i = 0; i < Superblock.CopyCount; i++)
        {
            if (Superblock.Read(content.AsSpan(i * Superblock.CopyBytes, Superblock.CopyBytes)) != Current)
            {
                Write(Current);
                return;
            }
        }
    }
}
