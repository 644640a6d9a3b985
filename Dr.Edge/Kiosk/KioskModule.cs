using Dr.Edge.Buffers;
using Dr.Edge.Hosting;
using Dr.Edge.Link;
using Microsoft.AspNetCore.Routing;
using Microsoft.Extensions.DependencyInjection;

namespace Dr.Edge.Kiosk;

/// <summary>The kiosk role, and the witness that every device with a link is.</summary>
internal static class KioskModule
{
    private const string Role = "kiosk";

    public static void AddKiosk(this IServiceCollection services, EdgeConfig config)
    {
        services.AddSingleton(config.Kiosk);
        if (config.Brokers.Count > 0)
        {
            services.AddSingleton<ReachProbe>();
            services.AddSingleton(provider => new WitnessTargets(config.Targets, provider.GetRequiredService<LinkState>()));
            services.AddSingleton<WitnessService>();
            services.AddSingleton<IBeatContributor>(provider => provider.GetRequiredService<WitnessService>());
            services.AddSingleton<ICommandExecutor>(provider => provider.GetRequiredService<WitnessService>());
            services.AddHostedService(provider => provider.GetRequiredService<WitnessService>());
        }

        if (config.HasRole(Role))
        {
            services.AddHostedService<KioskListener>();
        }
    }

    public static void MapKiosk(this IEndpointRouteBuilder routes)
    {
        if (routes.ServiceProvider.GetRequiredService<EdgeConfig>().HasRole(Role))
        {
            routes.MapTransactions(routes.ServiceProvider.GetRequiredService<IOutbox>(), routes.ServiceProvider.GetRequiredService<TimeProvider>());
        }
    }
}
