namespace Dr.Simulator.World;

/// <summary>
/// How a day's change spreads over the hours: most of it in opening hours, with a forenoon and an afternoon peak, a trickle at night. An assumption of the model; the
/// record has only the sum of a day.
/// </summary>
internal sealed class DayProfile
{
    private const double NightWeight = 0.04;

    private readonly double[] _share;

    public DayProfile(TimeOnly opens, TimeOnly closes)
    {
        var weights = Enumerable.Range(0, 24).Select(hour => hour >= opens.Hour && hour < closes.Hour ? Open((hour - opens.Hour + 0.5) / Math.Max(1, closes.Hour - opens.Hour)) : NightWeight).ToArray();
        var sum = weights.Sum();
        _share = [.. weights.Select(w => w / sum)];
    }

    /// <summary>Share of a day's change that falls into this hour; the 24 add up to 1.</summary>
    public double Share(int hour) => _share[hour];

    /// <summary>The busiest hour against the mean of a day's 24.</summary>
    public double PeakFactor => _share.Max() * 24;

    /// <summary>Bits per second in an hour.</summary>
    public double BitsPerSecond(double gigabytesPerDay, int hour) => gigabytesPerDay * 8e9 * _share[hour] / 3600;

    /// <summary>Two humps over the opening hours, at three tenths and seven tenths of them.</summary>
    private static double Open(double x) => 0.7 + (0.6 * Math.Exp(-Math.Pow((x - 0.3) / 0.13, 2))) + (0.75 * Math.Exp(-Math.Pow((x - 0.7) / 0.15, 2)));
}
