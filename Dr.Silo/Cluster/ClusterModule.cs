using Dr.Silo.Ingress;
using Microsoft.Extensions.DependencyInjection.Extensions;
using Orleans.Configuration;

namespace Dr.Silo.Cluster;

/// <summary>What a silo that is one of several has besides: the pulse and a share of the partitions.</summary>
internal static class ClusterModule
{
    public static void AddPulse(this ISiloBuilder silo)
    {
        silo.Configure<ClusterMembershipOptions>(options =>
        {
            (options.ProbeTimeout, options.MinProbeTimeout, options.MaxProbeTimeout) = (ClusterTiming.Probe, ClusterTiming.ProbeMin, ClusterTiming.ProbeMax);
            (options.NumMissedProbesLimit, options.NumVotesForDeathDeclaration) = (ClusterTiming.MissedProbes, ClusterTiming.Votes);
            options.DeathVoteExpirationTimeout = ClusterTiming.VoteExpiry;
            (options.IAmAliveTablePublishTimeout, options.NumMissedTableIAmAliveLimit) = (ClusterTiming.IAmAlive, ClusterTiming.IAmAliveMissed);
            options.TableRefreshTimeout = ClusterTiming.TableRefresh;
        });
        silo.AddGrainService<SiloPulse>();
        silo.Services.TryAddSingleton<OwnPulse>();
        silo.Services.AddSingleton<SiloPulseClient>();
        silo.Services.AddSingleton<ClusterShare>();
        silo.Services.AddHostedService<PulseService>();
    }
}
