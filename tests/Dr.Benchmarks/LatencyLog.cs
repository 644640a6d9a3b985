using System.Globalization;

namespace Dr.Benchmarks;

/// <summary>fio's log with the latency of every request: lines of milliseconds since the start, nanoseconds, direction, size, ….</summary>
internal static class LatencyLog
{
    private const int WindowMilliseconds = 1000;

    /// <summary>The 99th percentile (nearest rank) over all seconds of the longest latency in each: with a point every second, of how long a point holds a write up.</summary>
    public static double P99PauseMicroseconds(string directory)
    {
        var longest = new SortedDictionary<long, double>();
        foreach (var line in File.ReadLines(Directory.EnumerateFiles(directory, "log_clat.*").First()))
        {
            var parts = line.Split(',', 3);
            var window = long.Parse(parts[0], CultureInfo.InvariantCulture) / WindowMilliseconds;
            longest[window] = Math.Max(longest.GetValueOrDefault(window), double.Parse(parts[1], CultureInfo.InvariantCulture) / 1000);
        }

        return Latencies.Of(longest.Values).P99;
    }
}
