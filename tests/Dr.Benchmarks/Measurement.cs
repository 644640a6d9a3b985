namespace Dr.Benchmarks;

/// <summary>One timed run.</summary>
/// <param name="CpuMicroseconds">Processor time of the server per request.</param>
internal sealed record Measurement(string Pattern, string Peer, int Round, double Iops, double MebibytesPerSecond, double P50Microseconds, double P99Microseconds, double CpuMicroseconds);

/// <summary>Medians of one pattern on one server, and our ratio to it.</summary>
internal sealed record Summary(string Pattern, string Peer, double Iops, double MebibytesPerSecond, double P50Microseconds, double P99Microseconds, double CpuMicroseconds, double RatioOfOurs)
{
    public static IReadOnlyList<Summary> Of(IReadOnlyList<Measurement> measurements, string ours)
    {
        var summaries = new List<Summary>();
        foreach (var pattern in measurements.GroupBy(m => m.Pattern, StringComparer.Ordinal))
        {
            var oursIops = Median(pattern.Where(m => m.Peer == ours).Select(m => m.Iops));
            summaries.AddRange(pattern.GroupBy(m => m.Peer, StringComparer.Ordinal).Select(peer => new Summary(
                pattern.Key,
                peer.Key,
                Median(peer.Select(m => m.Iops)),
                Median(peer.Select(m => m.MebibytesPerSecond)),
                Median(peer.Select(m => m.P50Microseconds)),
                Median(peer.Select(m => m.P99Microseconds)),
                Median(peer.Select(m => m.CpuMicroseconds)),
                oursIops / Median(peer.Select(m => m.Iops)))));
        }

        return summaries;
    }

    private static double Median(IEnumerable<double> values)
    {
        var sorted = values.Order().ToArray();
        return sorted.Length == 0 ? double.NaN : (sorted[(sorted.Length - 1) / 2] + sorted[sorted.Length / 2]) / 2;
    }
}
