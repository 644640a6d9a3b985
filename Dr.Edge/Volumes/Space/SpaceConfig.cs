namespace Dr.Edge.Volumes.Space;

/// <summary>Section <c>space</c>.</summary>
internal sealed class SpaceConfig
{
    /// <summary>Space that clients never get, for example <c>2GiB</c>; null = by the size of the file system (<see cref="SpaceLimits"/>).</summary>
    public string? Reserve { get; set; }

    /// <summary>The shortest window that growth and the time until the disk is full are told over, <c>10s</c> to <c>1h</c>: a shorter one answers sooner and swings more.</summary>
    public string Trend { get; set; } = "1h";

    /// <exception cref="DrException">No duration, or out of range.</exception>
    internal TimeSpan TrendTime =>
        Quantities.ParseDuration(Trend, "space: trend") is var trend && trend >= LeastTrend && trend <= GrowthSeries.Hour
            ? trend
            : throw new DrException($"space: trend cannot be {Trend}.", "From 10s to 1h.");

    private static TimeSpan LeastTrend => TimeSpan.FromSeconds(10);

    internal long? ReserveBytes => Reserve is null ? null : Quantities.ParseSize(Reserve, "space: reserve");
}
