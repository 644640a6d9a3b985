using System.Collections.Immutable;
using Dr.Edge.Volumes.Background;
using Dr.Edge.Volumes.Disk;
using Dr.Edge.Volumes.Format;
using Dr.Edge.Volumes.Mapping;
using Microsoft.Extensions.Logging;

namespace Dr.Edge.Volumes;

/// <summary>
/// One copy of a protected volume: the log is the volume. Every member may be called from any thread.
/// <list type="bullet">
/// <item>The map never names bytes that are not written; nothing is answered before the map names it.</item>
/// <item>Positions only grow, except by <see cref="RewindTo"/>; a layer is never changed once sealed.</item>
/// <item><see cref="Durable"/> never passes what a flush that succeeded covered; after one that failed nothing is written any more.</item>
/// <item>The manifest names a file before it is needed and no longer than it is there.</item>
/// <item>Lock order: compact (rewriting layers) and spare (the file made for the next head) before merge (the base) before sync (manifest, points, flush) before append (head, map); events are raised outside both.</item>
/// </list>
/// </summary>
internal sealed partial class Volume : IBlockDevice, IDisposable
{
    private readonly StoreContext _context;
    private readonly ILogger _logger;
    private readonly SuperblockFile _superblock;
    private readonly ManifestFile _manifest;
    private readonly BaseImage _base;
    private volatile BlockMap _map;
    private readonly RecentMaps _recentMaps = new();
    private readonly List<LayerFile> _originFiles;
    private readonly IDisposable? _originHold;
    private volatile Volume? _originParent;

    // Guards everything that is durable state: the manifest, the list of layers, flushing. Whoever waits for it while another flushes finds its own flush done.
    private readonly Lock _syncLock = new();

    // Held while a layer moves into the base, which takes long and must not stop flushes; before the sync lock.
    private readonly Lock _mergeLock = new();

    // Guards the head's end, the map's entries, the chain and the order of sequence numbers.
    private readonly Lock _appendLock = new();
    // Guards only the gate's own reason.
    private readonly Lock _gateLock = new();
    private volatile Published _published;
    private Layer _head;
    private long _appended;
    private long _durable;
    private long _lastMicroseconds;
    private uint? _chain;
    private volatile string? _failure;
    private volatile string? _unreadable;
    private volatile string? _restoring;
    private volatile RestoreOutcome? _lastRestore;
    private bool _pastReadable;
    private volatile string? _shutting;
    private volatile TaskCompletionSource? _appendSignal;
    private ImmutableArray<Action> _appendListeners = [];
    private StagingLayer? _staging;
    private DateTimeOffset? _currentAsOf;
    private bool _closed;

    private Volume(
        string directory, StoreContext context, SuperblockFile superblock, ManifestFile manifest, BaseImage baseImage, BlockMap map, List<Layer> layers, List<LayerFile> originFiles, IDisposable? originHold, Volume? originParent)
    {
        DirectoryPath = directory;
        _context = context;
        _logger = context.Logger;
        _superblock = superblock;
        _manifest = manifest;
        _base = baseImage;
        _map = map;
        _originFiles = originFiles;
        _originHold = originHold;
        _originParent = originHold is null ? null : originParent;
        _published = new Published(manifest.State, [.. layers]);
        _head = layers[^1];
        Gate = new WriteGate(context.Time);
    }

    /// <summary>Raised after role, epoch, generation, points or fault changed. Not under a lock.</summary>
    public event Action<Volume>? StateChanged;

    public VolumeId Id => State.Volume;

    public string Name => State.Name;

    /// <summary>The volume's own directory; other parts may keep files of theirs in it under their own names.</summary>
    public string DirectoryPath { get; }

    public long SizeBytes => State.SizeBytes;

    public VolumeRole Role => State.Role;

    /// <summary>Highest epoch seen, persisted.</summary>
    public Epoch Epoch => State.Epoch;

    /// <summary>Oldest first; the last is the one that writes belong to now.</summary>
    public IReadOnlyList<GenerationSpan> Generations => State.Generations;

    /// <summary>Last write appended here (visible to readers).</summary>
    public SequenceNumber Appended => new(Volatile.Read(ref _appended));

    /// <summary>Last write on stable storage here.</summary>
    public SequenceNumber Durable => new(Volatile.Read(ref _durable));

    /// <summary>Oldest first.</summary>
    public IReadOnlyList<PointInfo> Points => State.Points;

    /// <summary>On a replica: the content equals the source's at this time or later, null when it equals none of them (<see cref="Differs"/>); on a primary: now.</summary>
    public DateTimeOffset? CurrentAsOf => Role == VolumeRole.Primary ? _context.Time.GetUtcNow() : Differs ? null : _currentAsOf;

    public WriteGate Gate { get; }

    /// <summary>Why the volume refuses work; null when it does not.</summary>
    public string? Fault => _unreadable ?? _failure;

    /// <summary>Null when this is not a clone.</summary>
    public CloneOrigin? Origin => _superblock.Current.Origin;

    public DateTimeOffset CreatedAt => _superblock.Current.CreatedAt;

    /// <summary>Set by a synchronous copy.</summary>
    public IWriteBarrier? Barrier { get; set; }

    /// <summary>What can be opened by time begins here.</summary>
    public DateTimeOffset HistoryBegins => State is { Merging: null } state ? state.BaseAt : _published.Layers[0].Record.LastAt;

    /// <summary>Disk space of layers and base, as far as it is counted (holes are not).</summary>
    public long AllocatedBytes => _published.Layers.Sum(layer => layer.Tail) + (State.BaseBlocks * StoreLimits.BlockBytes);

    public bool IsReadOnly => false;

    /// <summary>What clients have done since the volume was opened.</summary>
    internal VolumeCounters Counters { get; } = new();

    internal ManifestState State => _published.State;

    internal long MappedBlocks => _map.MappedBlocks;

    private long VolumeBlocks => State.SizeBytes / StoreLimits.BlockBytes;

    public void GetAllocation(long offset, long length, int maxRuns, List<AllocationRun> runs)
    {
        ThrowIfUnreadable();
        BlockRanges.GetAllocation(_map, SizeBytes, offset, length, maxRuns, runs);
    }

    public void Prefetch(long offset, long length)
    {
        ThrowIfUnreadable();
        BlockRanges.CheckInside(offset, length, SizeBytes);
        BlockPrefetch.Run(_map, _context.Layers, offset, length);
    }

    public void Read(long offset, Span<byte> destination)
    {
        ThrowIfUnreadable();
        BlockRanges.CheckInside(offset, destination.Length, SizeBytes);
        BlockReader.Read(_map, _context.Layers, offset, destination);
        Counters.Reads.Add(destination.Length);
    }

    /// <summary>Closes in order: everything is flushed and the manifest says so.</summary>
    public void Dispose()
    {
        InterruptMerge();
        lock (_spareLock)
        lock (_mergeLock)
        lock (_syncLock)
        {
            if (_closed)
            {
                return;
            }

            _shutting = "the volume is closed";
            UpdateGate();
            lock (_appendLock)
            {
                _closed = true;
            }

            if (_failure is null && _unreadable is null)
            {
                CloseLocked();
            }

            DropSpareLocked();
        }

        SignalAppend();
        Gate.Dispose();
        foreach (var layer in _published.Layers)
        {
            layer.File.Release();
        }

        foreach (var file in _originFiles)
        {
            file.Release();
        }

        _recentMaps.Clear();
        _map.Dispose();
        _originHold?.Dispose();
        _base.Dispose();
        _manifest.Dispose();
        _superblock.Dispose();
    }

    private void CloseLocked()
    {
        try
        {
            if (TryFlushLocked(out _))
            {
                _manifest.Commit(State with { CleanSequence = _appended });
                _superblock.WriteMark(new FlushMark(_head.Record.Number, _appended, _manifest.Records));
            }
        }
        catch (DiskException exception)
        {
            // Closing in order is a courtesy to the next start, which recovers without it.
            LogFailed(Name, exception.Message);
        }
    }

    /// <summary>Stops the volume for good: nobody knows any more what is on the disk.</summary>
    private void Fail(string reason)
    {
        _failure ??= reason;
        LogFailed(Name, reason);
        RaiseStateChanged();
    }

    private void ThrowIfUnreadable()
    {
        if (_unreadable is { } reason)
        {
            throw new BlockDeviceException(BlockError.IO, $"Volume {Name} cannot be read: {reason}.");
        }
    }

    private void ThrowIfFailed()
    {
        if (Fault is { } reason)
        {
            throw new BlockDeviceException(BlockError.IO, $"Volume {Name} has stopped: {reason}.");
        }

        if (_closed)
        {
            throw new BlockDeviceException(BlockError.Shutdown, $"Volume {Name} is closed.");
        }
    }

    private void UpdateGate()
    {
        // Under a lock so that whoever computed an older answer cannot put it over a newer one.
        lock (_gateLock)
        {
            var state = State;
            Gate.Set(Fault ?? _shutting ?? _waitingForSpace ?? _restoring ?? (state.Role switch
            {
                VolumeRole.Replica => "this copy follows another one",
                VolumeRole.Demoted => $"the owner at epoch {state.Epoch} is another",
                _ => state.PrimaryEpoch < state.Epoch ? $"a higher epoch ({state.Epoch}) was seen than the one this copy is primary at ({state.PrimaryEpoch})" : null,
            }));
        }
    }

    /// <summary>Makes a new state durable and then visible. Under the sync lock.</summary>
    private void CommitLocked(ManifestState state, Layer[]? layers = null)
    {
        ThrowIfFailed();

        // Of the numbers in use only those that it names: the file that is ready for the next head has the next one.
        if (state.Layers.Select(layer => layer.Number).Append(state.Staging?.Layer ?? 0).Max() is var highest && highest >= state.NextLayer)
        {
            state = state with { NextLayer = highest + 1 };
        }

        try
        {
            _manifest.Commit(state);
        }
        catch (DiskException exception) when (!exception.IsFull)
        {
            Fail($"its manifest could not be written: {exception.Message}");
            throw;
        }

        _published = new Published(state, layers ?? _published.Layers);
        _superblock.WriteMark(new FlushMark(_head.Record.Number, Volatile.Read(ref _durable), _manifest.Records));
    }

    /// <summary>Something that reports tell of has changed. Under no lock of this volume.</summary>
    internal void RaiseStateChanged()
    {
        UpdateGate();
        Gate.RaiseIfChanged();
        SignalAppend();
        StateChanged?.Invoke(this);
    }

    /// <summary>Calls <paramref name="appended"/> after every append and change of state, on the writer's thread and under none of its locks, until disposed: it must be quick and must not throw.</summary>
    internal IDisposable ListenToAppends(Action appended)
    {
        ImmutableInterlocked.Update(ref _appendListeners, static (listeners, added) => listeners.Add(added), appended);
        return new AppendListening(this, appended);
    }

    private void SignalAppend()
    {
        foreach (var listener in _appendListeners)
        {
            listener();
        }

        if (_appendSignal is not null)
        {
            Interlocked.Exchange(ref _appendSignal, null)?.TrySetResult();
        }
    }

    private DateTimeOffset Now()
    {
        var now = _context.Time.GetUtcNow();
        var last = DateTimeOffset.UnixEpoch.AddMicroseconds(Volatile.Read(ref _lastMicroseconds));
        return now > last ? now : last;
    }

    private sealed class AppendListening(Volume volume, Action appended) : IDisposable
    {
        public void Dispose() => ImmutableInterlocked.Update(ref volume._appendListeners, static (listeners, removed) => listeners.Remove(removed), appended);
    }

    /// <summary>State and layers that belong together, replaced as one.</summary>
    private sealed record Published(ManifestState State, Layer[] Layers);
}
