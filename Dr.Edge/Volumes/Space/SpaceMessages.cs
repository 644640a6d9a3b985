using Dr.Contracts.Mqtt;
using Dr.Edge.Cli;

namespace Dr.Edge.Volumes.Space;

/// <summary>Answer of <c>dr-edge space</c>.</summary>
internal sealed record SpaceOverview(IReadOnlyList<FileSystemReport> FileSystems, IReadOnlyList<VolumeSpaceReport> Volumes);

/// <summary>A rate of growth as it is shown; bytes.</summary>
internal sealed record RateReport(double WrittenPerHour, double GrowthPerHour, double CoveredSeconds)
{
    public static RateReport? Of(GrowthRate? rate) => rate is null ? null : new(Math.Round(rate.WrittenPerHour), Math.Round(rate.GrowthPerHour), Math.Round(rate.Covered.TotalSeconds));
}

/// <param name="FullInSeconds">Until clients' writes are refused, by the worst of the trends; null = not within ten years.</param>
internal sealed record FileSystemReport(
    string Path, long SizeBytes, long AvailableBytes, long ReserveBytes, SpaceLevel Level, RateReport? LastHour, RateReport? LastDay, RateReport? LastWeek, double? FullInSeconds);

/// <summary>What a volume costs, how it grows, and when there will be no space for it.</summary>
internal sealed record VolumeSpaceReport
{
    public required string Name { get; init; }

    /// <summary>What deleting it would free.</summary>
    public required long AllocatedBytes { get; init; }

    public required long BaseBytes { get; init; }

    public required long LayerBytes { get; init; }

    public required long HeadBytes { get; init; }

    /// <summary>Of a clone: content that it shares with the volume it was made of.</summary>
    public required long SharedBytes { get; init; }

    /// <summary>Of a clone: what only it keeps in that volume.</summary>
    public required long HeldBytes { get; init; }

    /// <summary>Will be freed by work in the background.</summary>
    public required long WaitingBytes { get; init; }

    public required long ChangedLastDayBytes { get; init; }

    public RateReport? LastHour { get; init; }

    public RateReport? LastDay { get; init; }

    public RateReport? LastWeek { get; init; }

    /// <summary>The disk's own forecast: all that grows on it together.</summary>
    public double? FullInSeconds { get; init; }

    /// <summary>If only this volume grew.</summary>
    public double? FullInAloneSeconds { get; init; }

    public required SpaceLevel Level { get; init; }

    public required FullPolicy WhenFull { get; init; }

    /// <summary>Writes refused for want of space since the start.</summary>
    public required long RefusedWrites { get; init; }

    /// <summary>Left out in the overview.</summary>
    public IReadOnlyList<LayerSpace>? Layers { get; init; }

    /// <summary>Left out in the overview.</summary>
    public IReadOnlyList<PointSpace>? Points { get; init; }
}
