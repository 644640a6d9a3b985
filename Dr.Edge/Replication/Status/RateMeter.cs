namespace Dr.Edge.Replication.Status;

/// <summary>Bytes in a second over the last ten. Pure: time comes in as elapsed time since any start, and does not go back.</summary>
internal sealed class RateMeter
{
    /// <summary>Long enough that a rate can be read, short enough that a line that stopped shows.</summary>
    public const int Seconds = 10;

    private readonly long[] _bytes = new long[Seconds];
    private long _second;
    private long _first = -1;

    public void Add(long bytes, TimeSpan now)
    {
        Advance(now);
        if (_first < 0)
        {
            _first = _second;
        }

        _bytes[_second % Seconds] += bytes;
    }

    /// <summary>0 when nothing came for ten seconds. The first seconds after a start are divided by their own number, not by ten.</summary>
    public double PerSecond(TimeSpan now)
    {
        Advance(now);
        if (_first < 0)
        {
            return 0;
        }

        // The present second is not over: it counts by the part that has passed.
        var whole = Math.Min(_second - _first, Seconds - 1);
        return _bytes.Sum() / Math.Max(0.1, whole + (now.TotalSeconds - Math.Floor(now.TotalSeconds)));
    }

    private void Advance(TimeSpan now)
    {
        var second = (long)Math.Floor(now.TotalSeconds);
        if (second - _second >= Seconds)
        {
            Array.Clear(_bytes);
            (_second, _first) = (second, -1);
            return;
        }

        while (_second < second)
        {
            _bytes[++_second % Seconds] = 0;
        }
    }
}
