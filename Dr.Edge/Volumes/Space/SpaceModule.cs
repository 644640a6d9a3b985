using Dr.Edge.Hosting;
using Dr.Edge.Volumes.Disk;
using Microsoft.AspNetCore.Routing;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;

namespace Dr.Edge.Volumes.Space;

/// <summary>Accounting, forecast, alarms and what gives way.</summary>
internal static class SpaceModule
{
    public static void AddSpace(this IServiceCollection services, EdgeConfig config)
    {
        var trend = config.Space.TrendTime; // Refused before anything is opened.
        services.AddSingleton(provider => new SpaceKeeper(provider.GetRequiredService<VolumeSet>(), StoreFaults.None, Logger(provider), trend));
        services.AddSingleton(provider => new GiveWay(provider.GetRequiredService<VolumeSet>(), Logger(provider)));
        services.AddHostedService<SpaceService>();
    }

    public static void MapSpace(this IEndpointRouteBuilder routes) => SpaceEndpoints.Map(routes);

    private static ILogger Logger(IServiceProvider provider) => provider.GetRequiredService<ILoggerFactory>().CreateLogger("Dr.Edge.Volumes.Space");
}
