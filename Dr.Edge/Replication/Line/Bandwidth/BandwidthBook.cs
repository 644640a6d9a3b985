namespace Dr.Edge.Replication.Line.Bandwidth;

/// <summary>
/// The bandwidth classes of this appliance and the lines that copies take from. Classes come from the configuration; those that a command set lie in <c>bandwidth.json</c> in the data
/// directory and go before a configured one of the same name. A change is on the disk before it acts.
/// </summary>
internal sealed class BandwidthBook : IDisposable
{
    public const string FileName = "bandwidth.json";

    /// <summary>What a list on a screen can show, and far more than there are lines.</summary>
    private const int MostClasses = 256;

    private const string Hint = "Put the list right, or delete the file to have the classes of the configuration again.";

    private readonly Lock _lock = new(); // Guards everything below, and the order in which the file is written.
    private readonly Dictionary<string, BandwidthClass> _configured;
    private readonly Dictionary<string, BandwidthClass> _set;
    private readonly Dictionary<(string Class, string Copy), BandwidthLine> _lines = [];
    private readonly string _path;
    private readonly TimeProvider _time;

    /// <exception cref="DrException">A class cannot be, or the file cannot be read.</exception>
    public BandwidthBook(string directory, IEnumerable<BandwidthClassConfig> configured, TimeProvider time)
    {
        (_path, _time) = (Path.Combine(directory, FileName), time);
        _configured = ToDictionary(configured.Select(c => c.ToClass()), "The configuration (replication: bandwidth)");
        _set = ToDictionary(SettingsFile.Read<BandwidthClass>(_path, Hint), _path);
    }

    public IReadOnlyList<BandwidthClassView> List()
    {
        lock (_lock)
        {
            return
            [
                .. _configured.Keys.Union(_set.Keys).Order(StringComparer.Ordinal).Select(name =>
                {
                    var lines = _lines.Where(l => l.Key.Class == name).Select(l => l.Value).ToArray();
                    return new BandwidthClassView(Find(name)!, _set.ContainsKey(name), lines.Sum(l => l.Waiting), lines.Sum(l => l.GrantedBytes));
                }),
            ];
        }
    }

    public BandwidthClass? Get(string name)
    {
        lock (_lock)
        {
            return Find(name);
        }
    }

    /// <summary>The configuration has it, whatever commands set.</summary>
    public bool IsConfigured(string name) => _configured.ContainsKey(name);

    /// <exception cref="DrException">There is no such class.</exception>
    public BandwidthClass Require(string name) =>
        Get(name) ?? throw new DrException($"There is no bandwidth class '{name}'.", "See 'dr-edge bandwidth list'; make it with 'dr-edge bandwidth set'.");

    /// <summary>Makes a class or changes one; who waits for it is served by the new rate at once. Durable on return.</summary>
    public void Set(BandwidthClass value)
    {
        value.Check();
        lock (_lock)
        {
            if (Find(value.Name) is null && _configured.Keys.Union(_set.Keys).Count() >= MostClasses)
            {
                throw new DrException($"There are {MostClasses} bandwidth classes already.", "Remove one that no copy uses.");
            }

            Save([.. _set.Values.Where(c => c.Name != value.Name), value]);
            _set[value.Name] = value;
            Refresh(value.Name);
        }
    }

    /// <summary>Takes back what a command set: the class is what the configuration says, or gone. False when no command had set it. Durable on return.</summary>
    public bool Reset(string name)
    {
        lock (_lock)
        {
            if (!_set.ContainsKey(name))
            {
                return false;
            }

            Save([.. _set.Values.Where(c => c.Name != name)]);
            _set.Remove(name);
            Refresh(name);
            return true;
        }
    }

    /// <summary>Where a copy of the class takes what it sends; null when the class is not there: then nothing limits it.</summary>
    /// <param name="copy">Tells copies of a class that each have the rate for themselves apart.</param>
    public BandwidthLine? Line(string name, string copy)
    {
        lock (_lock)
        {
            if (Find(name) is not { } found)
            {
                return null;
            }

            var key = (name, found.Shared ? "" : copy);
            if (!_lines.TryGetValue(key, out var line))
            {
                _lines.Add(key, line = new BandwidthLine(found.BytesPerSecond, _time));
            }

            return line;
        }
    }

    public void Dispose()
    {
        lock (_lock)
        {
            foreach (var line in _lines.Values)
            {
                line.Dispose();
            }
        }
    }

    private BandwidthClass? Find(string name) => _set.GetValueOrDefault(name) ?? _configured.GetValueOrDefault(name);

    // Lines that are of no use any more (the class is gone, or shared differently now) let everything through: who waits there asks at the right one next time.
    private void Refresh(string name)
    {
        var now = Find(name);
        foreach (var (key, line) in _lines.Where(l => l.Key.Class == name).ToArray())
        {
            line.SetRate(now?.BytesPerSecond);
            if (now is null || now.Shared != (key.Copy.Length == 0))
            {
                line.SetRate(null);
                _lines.Remove(key);
            }
        }
    }

    private void Save(IReadOnlyList<BandwidthClass> classes) => SettingsFile.Write(_path, classes);

    private static Dictionary<string, BandwidthClass> ToDictionary(IEnumerable<BandwidthClass> classes, string where)
    {
        var found = new Dictionary<string, BandwidthClass>(StringComparer.Ordinal);
        foreach (var one in classes)
        {
            one.Check();
            if (!found.TryAdd(one.Name, one))
            {
                throw new DrException($"{where} names the bandwidth class '{one.Name}' twice.", "Take one of the two out.");
            }
        }

        return found;
    }
}

/// <param name="IsSet">A command set it; otherwise it is the configuration's.</param>
/// <param name="Waiting">Copies that wait for it now.</param>
/// <param name="GrantedBytes">Sent through it since this side's start.</param>
internal sealed record BandwidthClassView(BandwidthClass Class, bool IsSet, int Waiting, long GrantedBytes);
