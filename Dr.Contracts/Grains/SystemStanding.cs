namespace Dr.Contracts.Grains;

/// <summary>Where a system stands, in short: what the run of its site looks at.</summary>
[GenerateSerializer, Immutable, Alias("dr.SystemStanding")]
public sealed record SystemStanding
{
    [Id(0)] public required string Phase { get; init; }

    /// <summary>The owner, as the ledger has it.</summary>
    [Id(1)] public required SiteId Site { get; init; }

    [Id(2)] public bool RunLive { get; init; }

    [Id(3)] public bool WaitsForPerson { get; init; }

    /// <summary>It serves where it is, and no run is about to change that.</summary>
    [Id(4)] public bool HasMoved { get; init; }

    [Id(5)] public string? Reason { get; init; }
}
