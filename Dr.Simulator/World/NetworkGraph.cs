using System.Collections.Concurrent;

namespace Dr.Simulator.World;

/// <summary>Switches, lines, firewalls and places; something is reachable when a way of working parts leads there.</summary>
internal sealed class NetworkGraph
{
    private readonly Dictionary<string, List<string>> _edges;
    private readonly Dictionary<string, Predicate<string>> _ends;

    // The same few parts break again and again, in every year alike, and every change of the world asks for every user: answers are kept per set of broken parts.
    private readonly ConcurrentDictionary<string, ConcurrentDictionary<(string, string), bool>> _known;
    private ConcurrentDictionary<(string, string), bool> _now;
    private readonly Dictionary<string, int> _down = new(StringComparer.Ordinal);

    public NetworkGraph()
        : this(new(StringComparer.Ordinal), new(StringComparer.Ordinal), new(StringComparer.Ordinal))
    {
    }

    private NetworkGraph(Dictionary<string, List<string>> edges, Dictionary<string, Predicate<string>> ends, ConcurrentDictionary<string, ConcurrentDictionary<(string, string), bool>> known)
    {
        (_edges, _ends, _known) = (edges, ends, known);
        _now = known.GetOrAdd("", _ => new());
    }

    /// <summary>The same network with nothing broken; what was found out about it is shared, from any thread. Nothing may be linked any more.</summary>
    public NetworkGraph Fresh() => new(_edges, _ends, _known);

    /// <summary>Marks an end: traffic starts or ends there, or in what hangs on it, but nothing passes through to elsewhere.</summary>
    public void End(string node, Predicate<string>? exceptTo = null) => _ends[node] = exceptTo ?? (_ => false);

    public void Link(string a, string b)
    {
        _known.Clear();
        _now = _known.GetOrAdd("", _ => new());
        Of(a).Add(b);
        Of(b).Add(a);
    }

    /// <summary>Breaks a part; broken twice it needs two repairs.</summary>
    public void Break(string node)
    {
        Invariant.Require(_edges.ContainsKey(node), $"there is no part '{node}' in the network.");
        _down[node] = _down.GetValueOrDefault(node) + 1;
        Changed();
    }

    public void Repair(string node)
    {
        _down[node] = Math.Max(0, _down.GetValueOrDefault(node) - 1);
        Changed();
    }

    public bool IsUp(string node) => _down.GetValueOrDefault(node) == 0;

    public bool Reaches(string from, string to)
    {
        if (!_now.TryGetValue((from, to), out var answer))
        {
            answer = _now[(from, to)] = Search(from, to);
        }

        return answer;
    }

    private void Changed()
    {
        var broken = string.Join('|', _down.Where(d => d.Value > 0).Select(d => d.Key).Order(StringComparer.Ordinal));
        _now = _known.GetOrAdd(broken, _ => new());
    }

    private bool Search(string from, string to)
    {
        if (!IsUp(from) || !IsUp(to))
        {
            return false;
        }

        var seen = new HashSet<string>(StringComparer.Ordinal) { from };
        var queue = new Queue<string>([from]);
        while (queue.TryDequeue(out var at))
        {
            if (at == to)
            {
                return true;
            }

            if (at != from && _ends.TryGetValue(at, out var through) && !through(to) && !through(from))
            {
                continue;
            }

            foreach (var next in _edges[at])
            {
                if (IsUp(next) && seen.Add(next))
                {
                    queue.Enqueue(next);
                }
            }
        }

        return false;
    }

    private List<string> Of(string node) => _edges.TryGetValue(node, out var list) ? list : _edges[node] = [];
}
