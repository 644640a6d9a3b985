namespace Dr.Benchmarks.Background;

/// <summary>
/// The median of paired ratios and what it can be told from: an interval that holds the true median with at least 95 % whatever the distribution, from the order of the ratios alone (the number of them
/// below the median is binomial with 1/2). A machine that others use has outliers, which a mean would follow.
/// </summary>
internal sealed record PairedRatios(double Median, double Low, double High, int Pairs)
{
    private const double MostOutside = 0.05;

    public static PairedRatios Of(IReadOnlyList<double> with, IReadOnlyList<double> without)
    {
        var ratios = with.Zip(without, (a, b) => a / b).Order().ToArray();
        var (rank, outside, chance) = (0, 0.0, Math.Pow(0.5, ratios.Length));
        for (var below = 0; below < ratios.Length / 2; below++)
        {
            outside += 2 * chance;
            if (outside > MostOutside)
            {
                break;
            }

            rank = below + 1;
            chance *= (double)(ratios.Length - below) / (below + 1);
        }

        // With fewer than six pairs there is no such interval.
        return new PairedRatios(
            (ratios[ratios.Length / 2] + ratios[(ratios.Length - 1) / 2]) / 2,
            rank == 0 ? double.NaN : ratios[rank - 1],
            rank == 0 ? double.NaN : ratios[^rank],
            ratios.Length);
    }

    /// <summary>Whether the goal is met for sure, missed for sure, or cannot be told from these pairs.</summary>
    public string Against(double goal) => Low >= goal ? "met" : High < goal ? "missed" : "not shown";
}
