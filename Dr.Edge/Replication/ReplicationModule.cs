using Dr.Contracts.Tls;
using Dr.Edge.Host.Quiesce;
using Dr.Edge.Hosting;
using Dr.Edge.Link;
using Dr.Edge.Replication.Leases;
using Dr.Edge.Replication.Line;
using Dr.Edge.Replication.Line.Bandwidth;
using Dr.Edge.Replication.Mirror;
using Dr.Edge.Replication.Status;
using Dr.Edge.Volumes;
using Microsoft.AspNetCore.Routing;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;

namespace Dr.Edge.Replication;

/// <summary>What this part adds to the one host of <c>dr-edge run</c>: its services, and its routes on the control socket.</summary>
internal static class ReplicationModule
{
    public static void AddReplication(this IServiceCollection services, EdgeConfig config)
    {
        // Who we are lives as long as the process: its one use is to notice a peer that is ourselves.
        services.AddSingleton(new NodeIdentity(Guid.NewGuid(), config.Device ?? Environment.MachineName));
        services.AddSingleton(config.Replication);
        services.AddSingleton<VolumeClaims>();
        services.AddSingleton(p => ReplicationTls.Create(config.Replication.Tls, p.GetRequiredService<TimeProvider>(), p.GetRequiredService<ILogger<ReplicationTls>>(), p.GetService<Revocations>()));
        services.AddSingleton(p => new TargetContext(
            p.GetRequiredService<VolumeSet>(),
            p.GetRequiredService<VolumeClaims>(),
            p.GetRequiredService<NodeIdentity>(),
            p.GetRequiredService<TimeProvider>(),
            p.GetRequiredService<ILogger<TargetStream>>()) { Tls = p.GetRequiredService<ReplicationTls>() });
        services.AddSingleton(p => new LinkLedger(config.Brokers.Count > 0, p.GetRequiredService<LinkState>(), p.GetService<IBeatTrigger>(), p.GetRequiredService<TimeProvider>()));
        services.AddSingleton<IMirrorLedger>(p => p.GetRequiredService<LinkLedger>());
        services.AddSingleton<ILeaseListener>(p => p.GetRequiredService<LinkLedger>());
        services.AddSingleton(p => new BandwidthBook(config.Data, config.Replication.Bandwidth, p.GetRequiredService<TimeProvider>()));
        services.AddSingleton<CopyService>();
        services.AddSingleton<ReplicationListener>();
        services.AddSingleton<ReplicationInstruments>();
        services.AddSingleton(p => new VolumeReports(p.GetRequiredService<VolumeSet>(), p.GetRequiredService<CopyService>(), p.GetService<IBeatTrigger>()));
        services.AddSingleton<IBeatContributor>(p => p.GetRequiredService<VolumeReports>());
        services.AddSingleton(p => new LeaseKeeper(p.GetRequiredService<VolumeSet>(), config, p.GetRequiredService<TimeProvider>()));
        services.AddSingleton<IBeatContributor>(p => p.GetRequiredService<LeaseKeeper>());
        services.AddSingleton<ILeaseListener>(p => p.GetRequiredService<LeaseKeeper>());
        services.AddHostedService<ReplicaLeaseService>();
        services.AddSingleton<ICommandExecutor>(p => new ApplianceCommandExecutor(
            p.GetRequiredService<VolumeSet>(), p.GetRequiredService<CopyService>(), p.GetRequiredService<TimeProvider>(), p.GetService<IQuiesce>()));

        services.AddHostedService(p => p.GetRequiredService<CopyService>());
        services.AddHostedService(p => p.GetRequiredService<ReplicationListener>());
    }

    public static void MapReplication(this IEndpointRouteBuilder routes)
    {
        // Made before any service starts: a volume that needs a lease must need it before anything can write.
        routes.ServiceProvider.GetRequiredService<LeaseKeeper>();

        // Nothing asks for it, it only has to be there.
        routes.ServiceProvider.GetRequiredService<ReplicationInstruments>();
        ReplicationRoutes.Map(routes);
        BandwidthRoutes.Map(routes);
    }
}
