namespace Dr.Contracts.Grains;

/// <summary>One site, key = site id: its members and whether so many of them are suspect at once that the cause is one thing, not many.</summary>
[Alias("dr.ISiteGrain")]
public interface ISiteGrain : IGrainWithStringKey
{
    [Alias("Configure")]
    Task ConfigureAsync(IReadOnlyList<DeviceId> members);

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
