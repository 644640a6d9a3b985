using Dr.Silo.Decisions.Cluster;
using Orleans.Runtime;
using Orleans.Runtime.Services;
using Orleans.Services;

namespace Dr.Silo.Cluster;

/// <summary>What the silos of a cluster ask of each other, one by one.</summary>
[Alias("dr.ISiloPulse")]
internal interface ISiloPulse : IGrainService
{
    /// <summary>What this silo reaches.</summary>
    [Alias("ReadAsync")]
    Task<Pulse> ReadAsync();

    /// <summary>Writes into the membership table that <paramref name="silo"/>, which asks for it because it cannot do so itself, is dead. False: it could not.</summary>
    [Alias("BuryAsync")]
    Task<bool> BuryAsync(SiloAddress silo);
}

/// <summary>The answering side, one in each silo.</summary>
internal sealed class SiloPulse(GrainId id, Orleans.Runtime.Silo silo, ILoggerFactory loggers, OwnPulse own, IClusterMembershipService membership) : GrainService(id, silo, loggers), ISiloPulse
{
    public Task<Pulse> ReadAsync() => Task.FromResult(own.Read());

    public Task<bool> BuryAsync(SiloAddress silo) => own.Read().Database ? membership.TryKill(silo) : Task.FromResult(false);
}

/// <summary>The asking side.</summary>
internal sealed class SiloPulseClient(IServiceProvider services) : GrainServiceClient<ISiloPulse>(services), IGrainServiceClient<ISiloPulse>
{
    public ISiloPulse Of(SiloAddress silo) => GetGrainService(silo);
}
