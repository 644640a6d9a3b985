using Dr.Edge.Cli;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Routing;

namespace Dr.Edge.Volumes.Space;

/// <summary>Routes about space on the control socket.</summary>
internal static class SpaceEndpoints
{
    public static void Map(IEndpointRouteBuilder routes)
    {
        routes.MapGet("/space", (VolumeSet set, SpaceKeeper keeper, CancellationToken cancellationToken) => Results.Json(Overview(set, keeper, cancellationToken), ControlJson.Compact));
        routes.MapGet("/volumes/{name}/space", (string name, VolumeSet set, SpaceKeeper keeper, CancellationToken cancellationToken) =>
            Results.Json(Report(set.Get(name), keeper, cancellationToken), ControlJson.Compact));
    }

    internal static SpaceOverview Overview(VolumeSet set, SpaceKeeper keeper, CancellationToken cancellationToken) =>
        new([Report(keeper.FileSystem())], [.. set.Volumes.Select(volume => Report(volume, keeper, cancellationToken) with { Layers = null, Points = null })]);

    internal static VolumeSpaceReport Report(Volume volume, SpaceKeeper keeper, CancellationToken cancellationToken)
    {
        var space = volume.MeasureSpace(cancellationToken);
        var (rates, alone) = keeper.GrowthOf(volume);
        var disk = keeper.FileSystem();
        return new VolumeSpaceReport
        {
            Name = volume.Name,
            AllocatedBytes = space.AllocatedBytes,
            BaseBytes = space.BaseBytes,
            LayerBytes = space.LayerBytes,
            HeadBytes = space.HeadBytes,
            SharedBytes = space.SharedBytes,
            HeldBytes = space.HeldBytes,
            WaitingBytes = space.WaitingBytes,
            ChangedLastDayBytes = space.ChangedLastDayBytes,
            LastHour = RateReport.Of(rates.Hour),
            LastDay = RateReport.Of(rates.Day),
            LastWeek = RateReport.Of(rates.Week),
            FullInSeconds = Seconds(disk.FullIn),
            FullInAloneSeconds = Seconds(alone),
            Level = disk.Level,
            WhenFull = volume.WhenFull,
            RefusedWrites = volume.Counters.Refused.Count,
            Layers = space.Layers,
            Points = space.Points,
        };
    }

    private static FileSystemReport Report(FileSystemSpace disk) => new(
        disk.Path, disk.SizeBytes, disk.AvailableBytes, disk.ReserveBytes, disk.Level,
        RateReport.Of(disk.Growth.Hour), RateReport.Of(disk.Growth.Day), RateReport.Of(disk.Growth.Week), Seconds(disk.FullIn));

    private static double? Seconds(TimeSpan? time) => time is { } value ? Math.Round(value.TotalSeconds) : null;
}
