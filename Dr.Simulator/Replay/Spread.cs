namespace Dr.Simulator.Replay;

/// <summary>Where many values lie. Percentiles are nearest-rank: each is one of the values.</summary>
internal sealed record Spread(int Count, double Min, double Median, double P95, double Max)
{
    /// <summary>Null when there is no value.</summary>
    public static Spread? Of(IEnumerable<double> values)
    {
        var sorted = values.Order().ToArray();
        return sorted.Length == 0 ? null : new Spread(sorted.Length, sorted[0], At(sorted, 0.5), At(sorted, 0.95), sorted[^1]);
    }

    /// <summary>The value that <paramref name="share"/> of the sorted values do not exceed.</summary>
    public static double At(IReadOnlyList<double> sorted, double share) => sorted[Math.Clamp((int)Math.Ceiling(share * sorted.Count) - 1, 0, sorted.Count - 1)];
}
