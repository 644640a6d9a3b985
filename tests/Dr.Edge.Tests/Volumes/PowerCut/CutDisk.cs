namespace Dr.Edge.Tests.Volumes.PowerCut;

/// <summary>
/// The disk behind a store as a power cut sees it: what is flushed, and what is under way. <see cref="Apply"/> follows a trace; <see cref="Cut"/> draws one of the states that the power may leave
/// at this instant.
/// </summary>
internal sealed class CutDisk(CutRules rules)
{
    private readonly Dictionary<int, CutFile> _files = [];
    private readonly Dictionary<int, Dictionary<string, int>> _directories = new() { [TraceRecorder.Root] = new(StringComparer.Ordinal) };
    private readonly List<(long Serial, TraceEvent.Names Change)> _names = [];
    private long _serial;

    /// <summary>In a journal everything up to here is on disk.</summary>
    private long _committed;

    public void Apply(TraceEvent made)
    {
        switch (made)
        {
            case TraceEvent.Make { IsDirectory: true } make:
                _directories[make.Node] = new(StringComparer.Ordinal);
                break;
            case TraceEvent.Make make:
                _files[make.Node] = new CutFile();
                break;
            case TraceEvent.Names names:
                _names.Add((++_serial, names));
                break;
            case TraceEvent.Write write:
                _files[write.Node].Pending.Add(new CutFile.Change(_serial, write.Offset, write.Data, null));
                break;
            case TraceEvent.Cut cut:
                _files[cut.Node].Pending.Add(new CutFile.Change(++_serial, 0, null, cut.Length));
                break;
            case TraceEvent.Punch punch:
                _files[punch.Node].Pending.Add(new CutFile.Change(++_serial, punch.Offset, null, null, punch.Length));
                break;
            case TraceEvent.Sync sync:
                _files[sync.Node].Flush();
                Commit();
                break;
            case TraceEvent.SyncDirectory sync:
                CommitNames(sync.Node);
                Commit();
                break;
        }
    }

    /// <summary>Starts as a disk that holds exactly this.</summary>
    public static (CutDisk Disk, Dictionary<string, int> Nodes, int Next) From(IReadOnlyDictionary<string, byte[]?> image, CutRules rules)
    {
        var disk = new CutDisk(rules);
        var nodes = new Dictionary<string, int>(StringComparer.Ordinal) { [""] = TraceRecorder.Root };
        var next = TraceRecorder.Root + 1;
        foreach (var (path, content) in image.OrderBy(pair => pair.Key, StringComparer.Ordinal))
        {
            var node = nodes[path] = next++;
            disk._directories[nodes[Path.GetDirectoryName(path)!]][Path.GetFileName(path)] = node;
            if (content is null)
            {
                disk._directories[node] = new(StringComparer.Ordinal);
            }
            else
            {
                disk._files[node] = new CutFile([.. content]);
            }
        }

        return (disk, nodes, next);
    }

    /// <summary>Relative path to content; null for a directory.</summary>
    public SortedDictionary<string, byte[]?> Cut(Random random, CutStyle style)
    {
        var reached = style switch
        {
            CutStyle.Nothing => _committed,
            CutStyle.Everything => _serial,
            _ => _committed + random.NextInt64(_serial - _committed + 1),
        };
        var directories = _directories.ToDictionary(pair => pair.Key, pair => new Dictionary<string, int>(pair.Value, StringComparer.Ordinal));
        foreach (var (serial, change) in _names)
        {
            var happened = rules == CutRules.Journaled ? serial <= reached : style == CutStyle.Everything || (style != CutStyle.Nothing && random.Next(2) == 0);
            if (happened)
            {
                Put(directories, change);
            }
        }

        var image = new SortedDictionary<string, byte[]?>(StringComparer.Ordinal);
        Collect(TraceRecorder.Root, "");
        return image;

        void Collect(int directory, string path)
        {
            foreach (var (name, node) in directories[directory].OrderBy(pair => pair.Key, StringComparer.Ordinal))
            {
                var full = path.Length == 0 ? name : $"{path}/{name}";
                if (_files.TryGetValue(node, out var file))
                {
                    image[full] = file.Cut(random, style, rules, reached);
                }
                else
                {
                    image[full] = null;
                    Collect(node, full);
                }
            }
        }
    }

    private void Commit()
    {
        if (rules == CutRules.Journaled)
        {
            _committed = _serial;
            _names.ForEach(entry => Put(_directories, entry.Change));
            _names.Clear();
        }
    }

    private void CommitNames(int directory)
    {
        if (rules == CutRules.Journaled)
        {
            return;
        }

        // A rename is in one directory or in both at once: it is sure when either was flushed.
        foreach (var entry in _names.Where(entry => entry.Change.Changes.Any(change => change.Directory == directory)).ToList())
        {
            Put(_directories, entry.Change);
            _names.Remove(entry);
        }
    }

    private static void Put(Dictionary<int, Dictionary<string, int>> directories, TraceEvent.Names change)
    {
        foreach (var (directory, name, node) in change.Changes)
        {
            if (node is { } number)
            {
                directories[directory][name] = number;
            }
            else
            {
                directories[directory].Remove(name);
            }
        }
    }
}
