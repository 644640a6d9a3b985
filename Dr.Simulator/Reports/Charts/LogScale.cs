namespace Dr.Simulator.Reports.Charts;

/// <summary>Seconds on a logarithmic axis.</summary>
internal sealed class LogScale(double least, double most, double left, double right)
{
    /// <summary>Marks at which people think.</summary>
    public static readonly IReadOnlyList<double> Marks = [0.1, 1, 10, 60, 300, 1800, 7200, 86400];

    public double At(double value) => left + ((Math.Log10(Math.Clamp(value, least, most)) - Math.Log10(least)) / (Math.Log10(most) - Math.Log10(least)) * (right - left));

    public IEnumerable<double> MarksWithin => Marks.Where(m => m >= least && m <= most);
}
