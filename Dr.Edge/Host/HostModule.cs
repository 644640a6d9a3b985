using Dr.Edge.Host.Config;
using Dr.Edge.Host.Quiesce;
using Dr.Edge.Host.Recovery;
using Dr.Edge.Hosting;
using Dr.Edge.Link;
using Microsoft.AspNetCore.Routing;
using Microsoft.Extensions.DependencyInjection;

namespace Dr.Edge.Host;

/// <summary>What this part adds to the one host of <c>dr-edge run</c>: its services, and its routes on the control socket.</summary>
internal static class HostModule
{
    /// <exception cref="DrException">The systems section is wrong; every reason is in the message.</exception>
    public static void AddHost(this IServiceCollection services, EdgeConfig config)
    {
        var isHost = config.HasRole("host");
        if (isHost && SystemConfigRules.Check(config.Systems, config.Data) is { Count: > 0 } faults)
        {
            throw new DrException($"The 'systems' section is wrong:\n  {string.Join("\n  ", faults)}", "Correct the configuration file; nothing was started.");
        }

        services.AddSingleton<HostedSystems>();

        // The routes are there in every role, and each has to find what it names: a route that does not makes every request fail.
        services.AddSingleton<TableRecovery>();
        services.AddSingleton<PointRefresh>();
        if (!isHost)
        {
            return;
        }

        services.AddSingleton<IQuiesce, QuiesceService>();
        services.AddSingleton<ICommandExecutor, HostCommandExecutor>();
        services.AddSingleton<IBeatContributor, SystemHealthContributor>();
        services.AddHostedService<HostMonitorService>();
        services.AddHostedService<RecoveryCleanup>();

        // Leases are asked for by the appliance that has the volume; a host that is not one learns of the end from its volume's refusal.
        if (config.HasRole("appliance") && config.Brokers.Count > 0)
        {
            services.AddSingleton<ServingWatch>();
            services.AddSingleton<ILeaseListener>(s => s.GetRequiredService<ServingWatch>());
            services.AddHostedService<SelfFencingService>();
        }
    }

    public static void MapHost(this IEndpointRouteBuilder routes) => routes.MapSystems().MapRecovery();
}
