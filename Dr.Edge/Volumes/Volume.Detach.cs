using Dr.Edge.Volumes.Disk;
using Dr.Edge.Volumes.Format;
using Dr.Edge.Volumes.Mapping;

namespace Dr.Edge.Volumes;

/// <content>A clone that stands on its own: what it takes from the volume it was made of goes into its own base, before that volume's history is replaced.</content>
internal sealed partial class Volume
{
    private const int DetachBlocks = 256;

    // Guards _originParent together with the maps made through it; after the sync lock, before the locks of the volume that the clone was made of.
    private readonly Lock _originLock = new();

    /// <summary>
    /// Copies what a clone inherits into its own base and lets go of the volume it was made of; nothing to do when that is done already, or for a volume that is no clone. Content and points stay as they
    /// are. Until the record that says so the clone stands on the other volume, after a crash too: a base that was half filled is filled again.
    /// </summary>
    internal void Detach()
    {
        if (Origin is not { } origin || _originParent is not { } parent)
        {
            return;
        }

        lock (_syncLock)
        {
            CommitLocked(State with { OwnBase = OwnBase.Filling });
        }

        _base.Clear(0, VolumeBlocks);
        var files = new List<LayerFile>();
        try
        {
            using var map = parent.BuildMap(origin.Sequence.Value, files);
            map.Grow(VolumeBlocks);
            FillBase(map);
        }
        finally
        {
            files.ForEach(file => file.Release());
        }

        StoreFaults.Pass(CrashPoints.DetachFilled);
        lock (_syncLock)
        lock (_originLock)
        {
            CommitLocked(State with { OwnBase = OwnBase.Whole, BaseBlocks = _base.Blocks, BaseSum = _base.Sum });
            _originParent = null;
            _recentMaps.Clear();
            lock (_appendLock)
            {
                _map = LayOver(_appended, State, _published.Layers, [], becomesLive: true);
            }

            // Views that are open on the clone still read from the other volume's base: that stays as it is until the clone is closed.
            var hold = (HistoryHold)_originHold!;
            if (_holds.Count == 0)
            {
                hold.Dispose();
            }
            else
            {
                hold.Pin();
            }
        }
    }

    private void FillBase(BlockMap map)
    {
        var buffer = new byte[DetachBlocks * StoreLimits.BlockBytes];
        Span<uint> checksums = stackalloc uint[DetachBlocks];
        for (var block = map.Find(0, VolumeBlocks, content: true); block < VolumeBlocks; block = map.Find(block, VolumeBlocks, content: true))
        {
            var count = (int)(map.Find(block, Math.Min(block + DetachBlocks, VolumeBlocks), content: false) - block);
            var data = buffer.AsSpan(0, count * StoreLimits.BlockBytes);
            BlockReader.Read(map, _context.Layers, block * StoreLimits.BlockBytes, data);
            for (var i = 0; i < count; i++)
            {
                checksums[i] = Crc32C.Compute(data.Slice(i * StoreLimits.BlockBytes, StoreLimits.BlockBytes));
            }

            _base.Write(block, data, checksums[..count]);
            block += count;
        }

        _base.Sync(VolumeBlocks);
    }

    /// <summary>What a clone begins with; null for a volume that is none.</summary>
    private BlockMap? Inherited(List<LayerFile> files)
    {
        if (Origin is not { } origin)
        {
            return null;
        }

        lock (_originLock)
        {
            return _originParent is { } parent ? parent.BuildMap(origin.Sequence.Value, files) : new BlockMap(VolumeBlocks, _base);
        }
    }
}
