namespace Dr.Contracts.Policy;

/// <summary>When the copies are tried, by the calendar's clock; null = never.</summary>
[GenerateSerializer, Immutable, Alias("dr.DrillSchedule")]
public sealed record DrillSchedule
{
    /// <summary>Every day: the day's points are restored and tested.</summary>
    [Id(0)] public TimeOnly? SmallAt { get; init; } = new(4, 0);

    /// <summary>Every closing day: the whole copy is restored on the other site's own systems and tested.</summary>
    [Id(1)] public TimeOnly? LargeAt { get; init; } = new(10, 0);
}
