namespace Dr.Benchmarks;

/// <summary>One timed run. What was not measured is not a number.</summary>
/// <param name="Iops">Requests, or a database's transactions, per second.</param>
/// <param name="CpuMicroseconds">Processor time of the server per request or transaction.</param>
/// <param name="PauseMicroseconds">99th percentile of the longest latency in each second.</param>
internal sealed record Measurement(
    string Pattern, string Peer, int Round, double Iops, double MebibytesPerSecond, double P50Microseconds, double P99Microseconds, double CpuMicroseconds, double PauseMicroseconds)
{
    /// <summary>What the server had to read from the disk meanwhile. In a run that only reads, more than nothing says that memory was short: the page cache had given up some of what had just been written, and a disk was measured.</summary>
    public double DiskMebibytesRead { get; init; }
}

/// <summary>Medians of one pattern on one server, and a ratio: ours to it, or, where points are measured, it to ours with one point.</summary>
/// <param name="Goal">Least ratio; not a number where none is set.</param>
/// <param name="PauseGoalMicroseconds">Longest pause; not a number where none is set or none was measured.</param>
internal sealed record Summary(
    string Pattern, string Peer, double Iops, double MebibytesPerSecond, double P50Microseconds, double P99Microseconds, double CpuMicroseconds, double PauseMicroseconds, double Ratio, double Goal,
    double PauseGoalMicroseconds)
{
    public bool? IsMet => double.IsNaN(Goal) || double.IsNaN(Ratio) ? null : Ratio >= Goal && !(PauseMicroseconds > PauseGoalMicroseconds);

    public static IReadOnlyList<Summary> Of(IReadOnlyList<Measurement> measurements, IReadOnlyList<Pattern> patterns)
    {
        var summaries = new List<Summary>();
        foreach (var pattern in patterns)
        {
            var own = pattern.IsOfPoints ? PointsPeer.One : EdgePeer.PeerName;
            var runs = measurements.Where(m => m.Pattern == pattern.Name).ToArray();
            var ours = Median(runs.Where(m => m.Peer == own).Select(m => m.Iops));
            foreach (var peer in runs.GroupBy(m => m.Peer, StringComparer.Ordinal))
            {
                var its = Median(peer.Select(m => m.Iops));
                var pause = Median(peer.Select(m => m.PauseMicroseconds));
                summaries.Add(new Summary(
                    pattern.Name,
                    peer.Key,
                    its,
                    Median(peer.Select(m => m.MebibytesPerSecond)),
                    Median(peer.Select(m => m.P50Microseconds)),
                    Median(peer.Select(m => m.P99Microseconds)),
                    Median(peer.Select(m => m.CpuMicroseconds)),
                    pause,
                    peer.Key == own ? double.NaN : pattern.IsOfPoints ? its / ours : ours / its,
                    pattern.Goals.TryGetValue(peer.Key, out var goal) ? goal : double.NaN,
                    peer.Key == PointsPeer.EverySecond && !double.IsNaN(pause) ? PointsPeer.PauseGoal.TotalMicroseconds : double.NaN));
            }
        }

        return summaries;
    }

    private static double Median(IEnumerable<double> values)
    {
        var sorted = values.Order().ToArray();
        return sorted.Length == 0 ? double.NaN : (sorted[(sorted.Length - 1) / 2] + sorted[sorted.Length / 2]) / 2;
    }
}
