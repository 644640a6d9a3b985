namespace Dr.Benchmarks;

/// <summary>Percentiles by the nearest rank, in the unit of the values; not numbers when there are none.</summary>
internal readonly record struct Latencies(double P50, double P99, double Longest)
{
    public static Latencies Of(IEnumerable<double> values)
    {
        var sorted = values.Order().ToArray();
        return sorted.Length == 0 ? new Latencies(double.NaN, double.NaN, double.NaN) : new Latencies(sorted[(sorted.Length - 1) / 2], sorted[(int)Math.Ceiling(sorted.Length * 0.99) - 1], sorted[^1]);
    }
}
