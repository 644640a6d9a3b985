using Dr.Edge.Volumes.Disk;

namespace Dr.Edge.Tests.Volumes.PowerCut;

/// <summary>Writes down in order what a store does to the files below <paramref name="root"/>; a <see cref="Sabotage"/> makes it do some of it wrongly.</summary>
internal sealed class TraceRecorder(string root, Sabotage sabotage) : StoreFaults, IDiskObserver
{
    public const int Root = 0;
    private readonly Lock _lock = new(); // The maintenance thread records too.
    private readonly Dictionary<string, int> _nodes = new(StringComparer.Ordinal) { [root] = Root };
    private readonly Dictionary<DurableFile, int> _open = [];
    private readonly List<TraceEvent> _events = [];
    private readonly List<TraceEvent> _late = [];
    private int _next = Root + 1;

    /// <summary>Instants, as numbers of events before them, at which the sabotage shows: a power cut there may find what it did.</summary>
    public List<int> SabotagedAt { get; } = [];

    /// <summary>Called on the thread that waits for a flush, before it learns that the flush has ended: what others may do meanwhile.</summary>
    public Action<string>? WhileFlushing { get; set; }

    /// <summary>What the store is being asked to do, for a sabotage of just that.</summary>
    public string Phase { get; set; } = "";

    public int Count
    {
        get
        {
            lock (_lock)
            {
                return _events.Count;
            }
        }
    }

    public IReadOnlyList<TraceEvent> Events => _events;

    public override IDiskObserver? Observer => this;

    /// <summary>What counts is the record: the disk below is thrown away.</summary>
    public override int ErrorFor(DiskCall call, string path) => call == DiskCall.Sync ? Pretend : 0;

    /// <summary>What is there already counts as durable.</summary>
    public void Adopt(IReadOnlyDictionary<string, int> nodes, int next)
    {
        foreach (var (path, node) in nodes)
        {
            _nodes[path.Length == 0 ? root : Path.Combine(root, path)] = node;
        }

        _next = next;
    }

    public void Opened(DurableFile file, bool isNew)
    {
        lock (_lock)
        {
            var known = _nodes.TryGetValue(file.Path, out var node);
            if (!known)
            {
                node = _nodes[file.Path] = _next++;
                Add(new TraceEvent.Make(node, IsDirectory: false));
                Add(new TraceEvent.Names((Parent(file.Path), Path.GetFileName(file.Path), node)));
            }
            else if (isNew)
            {
                Add(new TraceEvent.Cut(node, 0));
            }

            _open[file] = node;
        }
    }

    public void Wrote(DurableFile file, ReadOnlySpan<byte> data, long offset) => Add(file, node => new TraceEvent.Write(node, offset, _copy!), data);

    public void Cut(DurableFile file, long length) => Add(file, node => new TraceEvent.Cut(node, length), default);

    public void Punched(DurableFile file, long offset, long length) => Add(file, node => new TraceEvent.Punch(node, offset, length), default);

    public void Synced(DurableFile file)
    {
        lock (_lock)
        {
            Flushed(file.Path, new TraceEvent.Sync(_open[file]));
        }

        WhileFlushing?.Invoke(file.Path);
    }

    public void DirectoryMade(string path)
    {
        lock (_lock)
        {
            var node = _nodes[path] = _next++;
            Add(new TraceEvent.Make(node, IsDirectory: true));
            Add(new TraceEvent.Names((Parent(path), Path.GetFileName(path), node)));
        }
    }

    public void Renamed(string from, string to)
    {
        lock (_lock)
        {
            var node = _nodes[from];
            Add(new TraceEvent.Names((Parent(from), Path.GetFileName(from), null), (Parent(to), Path.GetFileName(to), node)));
            foreach (var (path, inside) in _nodes.Where(pair => pair.Key == from || pair.Key.StartsWith(from + "/", StringComparison.Ordinal)).ToList())
            {
                _nodes.Remove(path);
                _nodes[to + path[from.Length..]] = inside;
            }
        }
    }

    public void Removed(string path)
    {
        lock (_lock)
        {
            foreach (var gone in _nodes.Keys.Where(known => known == path || known.StartsWith(path + "/", StringComparison.Ordinal)).OrderByDescending(known => known.Length).ToList())
            {
                AddOrPutFirst(gone, new TraceEvent.Names((Parent(gone), Path.GetFileName(gone), null)));
                _nodes.Remove(gone);
            }
        }
    }

    public void DirectorySynced(string path)
    {
        lock (_lock)
        {
            if (_nodes.TryGetValue(path, out var node))
            {
                Flushed(path, new TraceEvent.SyncDirectory(node));
            }
        }

        WhileFlushing?.Invoke(path);
    }

    private byte[]? _copy;

    private void Add(DurableFile file, Func<int, TraceEvent> make, ReadOnlySpan<byte> data)
    {
        lock (_lock)
        {
            _copy = data.ToArray();
            AddOrPutFirst(file.Path, make(_open[file]));
        }
    }

    private void AddOrPutFirst(string path, TraceEvent made)
    {
        if (sabotage.PutsFirst(Path.GetRelativePath(root, path), made) && _events.FindLastIndex(e => e is TraceEvent.Sync) is var at && at >= 0)
        {
            // As a writer would that does not wait for the flush before it.
            _events.Insert(at, made);
            for (var i = 0; i < SabotagedAt.Count; i++)
            {
                SabotagedAt[i] += SabotagedAt[i] > at ? 1 : 0;
            }

            SabotagedAt.Add(at + 1);
            return;
        }

        Add(made);
    }

    private void Add(TraceEvent made) => _events.Add(made);

    private void Flushed(string path, TraceEvent made)
    {
        var relative = Path.GetRelativePath(root, path);
        switch (sabotage.OnFlush(relative, Phase))
        {
            case FlushFate.Skipped:
                SabotagedAt.Add(_events.Count);
                return;
            case FlushFate.Late:
                _late.Add(made);
                return;
            default:
                Add(made);
                break;
        }

        if (_late.Count > 0 && sabotage.EndsDelay(relative))
        {
            SabotagedAt.Add(_events.Count);
            _late.ForEach(Add);
            _late.Clear();
        }
    }

    private int Parent(string path) => _nodes[Path.GetDirectoryName(path)!];
}
