using Dr.Silo.Decisions.Sites;

namespace Dr.Silo.Grains;

/// <summary>What a site's grain keeps over restarts.</summary>
[GenerateSerializer, Alias("dr.SiteRecord")]
public sealed record SiteRecord
{
    /// <summary>The live run of the whole site, or the last one.</summary>
    [Id(0)] public SiteRun? Run { get; init; }

    [Id(1)] public long RunCount { get; init; }

    /// <summary>When the last automatic one began: the next waits a block period.</summary>
    [Id(2)] public DateTimeOffset? LastAutomaticAt { get; init; }

    /// <summary>As configured; stored, because the activation that goes on with a run may be one that nobody has configured.</summary>
    [Id(3)] public IReadOnlyList<SystemSettings> Systems { get; init; } = [];

    [Id(4)] public IReadOnlyDictionary<SiteId, double> Capacities { get; init; } = new Dictionary<SiteId, double>();
}
