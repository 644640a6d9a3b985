using Dr.Edge.Hosting;
using Microsoft.AspNetCore.Routing;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.DependencyInjection.Extensions;

namespace Dr.Edge.Nbd;

/// <summary>What this part adds to the one host of <c>dr-edge run</c>: the NBD server. It needs an <see cref="Volumes.IExportCatalog"/>, and stops before the volumes are closed.</summary>
internal static class NbdModule
{
    public static void AddNbd(this IServiceCollection services, EdgeConfig config)
    {
        services.TryAddSingleton(new NbdLimits());
        services.AddSingleton(config.Nbd);
        services.AddSingleton<NbdServer>();
        services.AddSingleton<NbdInstruments>();
        services.AddHostedService(provider => provider.GetRequiredService<NbdServer>());
    }

    public static void MapNbd(this IEndpointRouteBuilder routes) => routes.ServiceProvider.GetRequiredService<NbdInstruments>();
}
