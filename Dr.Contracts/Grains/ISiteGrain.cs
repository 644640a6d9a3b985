using Orleans.Concurrency;

namespace Dr.Contracts.Grains;

/// <summary>One site, key = site id: its members and whether so many of them are suspect at once that the cause is one thing, not many. Questions interleave: they only read what is in memory.</summary>
[Alias("dr.ISiteGrain")]
public interface ISiteGrain : IGrainWithStringKey
{
    [Alias("Configure")]
    Task ConfigureAsync(IReadOnlyList<DeviceId> members);

    /// <summary>The systems that may serve here, and what each site can carry (a site that is not named carries everything).</summary>
    [Alias("ConfigureSystems")]
    Task ConfigureSystemsAsync(IReadOnlyList<SystemSettings> systems, IReadOnlyDictionary<SiteId, double> capacities);

    /// <summary>Takes over, or moves away, everything that serves here; or says what that would do.</summary>
    [Alias("StartRun")]
    Task<SiteRunView> StartRunAsync(StartSiteRun request);

    /// <summary>The live run of this site, or the last one.</summary>
    [Alias("GetRun"), AlwaysInterleave]
    Task<SiteRunView?> GetRunAsync();

    /// <summary>Starts no further systems.</summary>
    [Alias("StopRun")]
    Task<SiteRunView?> StopRunAsync(string actor);

    /// <summary>
    /// A system that the detector believes lost with this whole site asks whether it may go over by itself now; null = it may. The first that asks opens the site's automatic run.
    /// </summary>
    [Alias("Turn")]
    Task<string?> TurnAsync(SystemId system);

    [Alias("OnPresence")]
    Task OnPresenceAsync(PresenceChange change);

    [Alias("Get")]
    Task<SiteView> GetAsync();
}

[GenerateSerializer, Immutable, Alias("dr.SiteView")]
public sealed record SiteView
{
    [Id(0)] public required SiteId Id { get; init; }

    [Id(1)] public IReadOnlyList<DeviceId> Members { get; init; } = [];

    [Id(2)] public IReadOnlyList<DeviceId> Silent { get; init; } = [];

    /// <summary>More than a fifth of the members are suspect at once.</summary>
    [Id(3)] public bool MassSuspicion { get; init; }

    [Id(4)] public DateTimeOffset? Since { get; init; }
}
