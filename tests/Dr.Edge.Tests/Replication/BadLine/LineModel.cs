namespace Dr.Edge.Tests.Replication.BadLine;

/// <summary>What a line does to packets.</summary>
/// <param name="BytesPerSecond">Each way.</param>
/// <param name="Delay">One way, beside what the rate costs.</param>
/// <param name="Loss">Share of packets lost, each by itself, each way; 0 … 1.</param>
internal sealed record LineQuality(double BytesPerSecond, TimeSpan Delay, double Loss)
{
    /// <summary>Packets that wait for the line; more are dropped, as a router does.</summary>
    public int QueueBytes { get; init; } = 256 * 1024;

    /// <summary>5 Mbit/s, 200 ms there and back, 5 % lost each way.</summary>
    public static LineQuality Bad { get; } = new(5_000_000 / 8.0, TimeSpan.FromMilliseconds(100), 0.05);
}

/// <summary>
/// One direction of a line. Pure: a packet goes in with the time it comes at and gets the time it leaves at, or none. In order; the rate is kept exactly; losses come from a seed.
/// </summary>
internal sealed class LineModel(LineQuality quality, int seed)
{
    private readonly Random _random = new(seed);
    private TimeSpan _free;

    /// <summary>Null: it is lost.</summary>
    public TimeSpan? Pass(int bytes, TimeSpan now)
    {
        var start = _free > now ? _free : now;
        if ((start - now).TotalSeconds * quality.BytesPerSecond > quality.QueueBytes)
        {
            return null;
        }

        // A packet that is lost on its way has used the line.
        _free = start + TimeSpan.FromSeconds(bytes / quality.BytesPerSecond);
        return _random.NextDouble() < quality.Loss ? null : _free + quality.Delay;
    }
}
