using Dr.Edge.Hosting;
using Dr.Edge.Volumes.Disk;
using Dr.Edge.Volumes.Rebuilding;
using Dr.Edge.Volumes.Scrubbing;
using Dr.Edge.Volumes.Space;
using Dr.Edge.Volumes.Transfers;
using Microsoft.AspNetCore.Routing;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;

namespace Dr.Edge.Volumes;

/// <summary>What the store adds to the one host of <c>dr-edge run</c>: the open volumes, and the routes of their commands.</summary>
internal static class VolumesModule
{
    public static void AddVolumes(this IServiceCollection services, EdgeConfig config)
    {
        services.AddSingleton(provider => VolumeSet.Open(
            config.Data,
            provider.GetRequiredService<TimeProvider>(),
            StoreFaults.None,
            provider.GetRequiredService<ILoggerFactory>().CreateLogger("Dr.Edge.Volumes"),
            config.Points.ToPolicy(),
            config.Space.ReserveBytes,
            awaitsHolds: true)); // CopyService takes them and starts the rest.
        services.AddHostedService<PointScheduleService>();
        services.AddSpace(config);
        services.AddScrubbing(config);
        services.AddSingleton<TransferGate>();
        services.AddSingleton<VolumeInstruments>();
        services.AddSingleton<IExportCatalog>(provider => provider.GetRequiredService<VolumeSet>());
    }

    public static void MapVolumes(this IEndpointRouteBuilder routes)
    {
        VolumeEndpoints.Map(routes);
        HistoryEndpoints.Map(routes);
        RebuildEndpoints.Map(routes);
        routes.MapSpace();
        routes.MapScrubbing();
        routes.ServiceProvider.GetRequiredService<VolumeInstruments>();
    }
}
