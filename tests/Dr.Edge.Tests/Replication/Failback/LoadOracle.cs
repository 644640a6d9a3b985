using Dr.Crash.Child.Copying;

namespace Dr.Edge.Tests.Replication.Failback;

/// <summary>Knows every content that may ever be seen: lines of writes, each grown from a position of another, replayed up to the number that the content itself names.</summary>
internal sealed class LoadOracle
{
    private readonly Dictionary<int, LoadPosition> _lines = [];
    private readonly Dictionary<int, (int Number, byte[] Content)> _replayed = [];
    private readonly Dictionary<LoadPosition, byte[]> _starts = [];

    /// <summary>A line of writes begins where another is (seed 0: from nothing).</summary>
    public void Begin(int seed, LoadPosition from)
    {
        if (_lines.TryAdd(seed, from))
        {
            _starts[from] = (byte[])Content(from).Clone();
        }
    }

    /// <summary>Compares all of it with what its own last write says that it should be; returns where it is.</summary>
    public LoadPosition Check(byte[] content, string what)
    {
        var at = CopyLoad.PositionOf(content);
        var expected = Content(at);
        var same = content.AsSpan().CommonPrefixLength(expected);
        (same == expected.Length).ShouldBeTrue($"{what}: it says it is at {at}, and differs from that in block {same / 4096}");
        return at;
    }

    private byte[] Content(LoadPosition at)
    {
        if (at.Seed == 0)
        {
            return new byte[CopyLoad.VolumeBytes];
        }

        _lines.ContainsKey(at.Seed).ShouldBeTrue($"content of a line of writes that was never begun: {at}");
        if (at.Number == 0)
        {
            return _starts[_lines[at.Seed]];
        }

        // Usually a little further than last time.
        if (!_replayed.TryGetValue(at.Seed, out var known) || known.Number > at.Number)
        {
            known = (0, (byte[])_starts[_lines[at.Seed]].Clone());
        }

        for (var number = known.Number + 1; number <= at.Number; number++)
        {
            CopyLoad.ApplyTo(known.Content, at.Seed, number);
        }

        _replayed[at.Seed] = (at.Number, known.Content);
        return known.Content;
    }
}
