using Dr.Edge.Hosting;
using Dr.Edge.Volumes.Disk;
using Microsoft.AspNetCore.Routing;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;

namespace Dr.Edge.Volumes.Scrubbing;

/// <summary>Scrubbing in the one host of <c>dr-edge run</c>.</summary>
internal static class ScrubModule
{
    public static void AddScrubbing(this IServiceCollection services, EdgeConfig config)
    {
        services.AddSingleton(provider =>
        {
            var set = provider.GetRequiredService<VolumeSet>();
            var pacer = set.NewPacer();
            pacer.Limits = pacer.Limits with { ClientShare = Math.Clamp(config.Scrub.Share, 0, 1) };
            return new Scrubber(set, pacer, config.Scrub.Period, StoreFaults.None, provider.GetRequiredService<ILoggerFactory>().CreateLogger("Dr.Edge.Volumes.Scrubbing"));
        });
        services.AddSingleton<ScrubInstruments>();
        services.AddHostedService<ScrubService>();
    }

    public static void MapScrubbing(this IEndpointRouteBuilder routes)
    {
        ScrubEndpoints.Map(routes);
        routes.ServiceProvider.GetRequiredService<ScrubInstruments>();
    }
}
