using Orleans.Concurrency;

namespace Dr.Contracts.Grains;

/// <summary>
/// One business system, key = system id. Owns its phase, decides by the failover machine, and is the only caller of the ownership ledger for it.
/// Reports, views and leases interleave: they only put what they say aside in memory for the grain's own loop, and a device whose beat waits for them may be
/// the one that the loop is sending a command to.
/// </summary>
[Alias("dr.IBusinessSystemGrain")]
public interface IBusinessSystemGrain : IGrainWithStringKey
{
    /// <summary>Takes the settings over; the first time this makes the ownership record at the home site and starts protecting.</summary>
    [Alias("Configure")]
    Task ConfigureAsync(SystemSettings settings);

    [Alias("Get"), AlwaysInterleave]
    Task<SystemView?> GetAsync();

    /// <summary>In short, without the journal.</summary>
    [Alias("Standing"), AlwaysInterleave]
    Task<SystemStanding?> StandingAsync();

    /// <summary>Starts a run. <paramref name="request"/> carries the epoch that the caller saw: a stale page cannot start a second failover.</summary>
    [Alias("StartRun")]
    Task<RunOutcome> StartRunAsync(StartRun request);

    /// <summary>A person's decision about the live run.</summary>
    [Alias("Decide")]
    Task<RunOutcome> DecideAsync(RunDecision decision);

    /// <summary>A person's order about the system itself: hold, release, take over by force …</summary>
    [Alias("Order")]
    Task<RunOutcome> OrderAsync(SystemOrder order);

    /// <summary>A serving lease is asked for by a device that believes it serves. Granted only to the ledger's owner and never while fencing.</summary>
    [Alias("RenewLease"), AlwaysInterleave]
    Task<LeaseGrant> RenewLeaseAsync(DeviceId device, LeaseRequest request);

    /// <summary>A device of the system is silent, or is back.</summary>
    [Alias("OnPresence"), AlwaysInterleave]
    Task OnPresenceAsync(PresenceChange change);

    /// <summary>Health as the host reports it, on change or at least every few beats.</summary>
    [Alias("OnHealth"), AlwaysInterleave]
    Task OnHealthAsync(DeviceId host, SystemHealth health);

    /// <summary>A witness's report about this system.</summary>
    [Alias("OnReach"), AlwaysInterleave]
    Task OnReachAsync(DeviceId witness, SiteId site, ReachReport report);

    /// <summary>The answer to a probe of ours.</summary>
    [Alias("OnProbe"), AlwaysInterleave]
    Task OnProbeAsync(DeviceId device, SiteId site, CommandResult result);

    /// <summary>Result of a command that this system asked for.</summary>
    [Alias("OnResult"), AlwaysInterleave]
    Task OnResultAsync(DeviceId device, DeviceCommand command, CommandResult result);

    /// <summary>Positions of the system's volume as its appliances report them.</summary>
    [Alias("OnVolume"), AlwaysInterleave]
    Task OnVolumeAsync(DeviceId appliance, VolumeStatus status);

    /// <summary>Wakes the activation so that open deadlines are looked at. Safe at any time, any number of times.</summary>
    [Alias("Wake"), AlwaysInterleave]
    Task WakeAsync();
}

/// <summary>A device went silent (its promise ran out) or was heard again.</summary>
[GenerateSerializer, Immutable, Alias("dr.PresenceChange")]
public sealed record PresenceChange
{
    [Id(0)] public required DeviceId Device { get; init; }

    [Id(1)] public required SiteId Site { get; init; }

    [Id(2)] public required bool Alive { get; init; }

    /// <summary>Last time it was heard.</summary>
    [Id(3)] public required DateTimeOffset LastHeard { get; init; }

    /// <summary>−log10 of the chance that this is a false alarm.</summary>
    [Id(4)] public double Phi { get; init; }

    /// <summary>In words, for the evidence.</summary>
    [Id(5)] public required string Reason { get; init; }
}
