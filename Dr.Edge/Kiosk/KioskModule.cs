using Dr.Edge.Buffers;
using Dr.Edge.Hosting;
using Dr.Edge.Kiosk.Sip2;
using Dr.Edge.Link;
using Microsoft.AspNetCore.Routing;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;

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
            if (config.Kiosk.Sip2 is { } sip2)
            {
                services.AddSingleton(sip2);
                services.AddSingleton<Sip2Route>();
                services.AddSingleton(p => new DeliveryStore(Path.Combine(config.Data, "link"), p.GetRequiredService<TimeProvider>(), p.GetRequiredService<ILogger<DeliveryStore>>()));
                services.AddSingleton<Sip2Delivery>();
                services.AddHostedService<Sip2Listener>();
                services.AddHostedService(p => p.GetRequiredService<Sip2Delivery>());
            }

            services.AddSingleton<KioskStatus>();
            services.AddHostedService<KioskListener>();
        }
    }

    public static void MapKiosk(this IEndpointRouteBuilder routes)
    {
        if (routes.ServiceProvider.GetRequiredService<EdgeConfig>().HasRole(Role))
        {
            routes.MapTransactions(routes.ServiceProvider.GetRequiredService<IOutbox>(), routes.ServiceProvider.GetRequiredService<TimeProvider>(), routes.ServiceProvider.GetRequiredService<KioskStatus>());
        }
    }
}
