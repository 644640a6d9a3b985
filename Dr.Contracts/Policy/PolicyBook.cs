namespace Dr.Contracts.Policy;

/// <summary>Every policy and calendar that is in force, as one version: it is changed as a whole or not at all.</summary>
[GenerateSerializer, Immutable, Alias("dr.PolicyBook")]
public sealed record PolicyBook
{
    public static PolicyBook Empty { get; } = new() { Version = 0 };

    /// <summary>Grows by one with each accepted change; 0 = nothing was ever set.</summary>
    [Id(0)] public required long Version { get; init; }

    [Id(1)] public IReadOnlyList<BackupPolicy> Policies { get; init; } = [];

    [Id(2)] public IReadOnlyList<OpeningCalendar> Calendars { get; init; } = [];

    [Id(3)] public DateTimeOffset ChangedAt { get; init; }

    [Id(4)] public string ChangedBy { get; init; } = "";

    [Id(5)] public string Reason { get; init; } = "";

    public BackupPolicy? PolicyOf(SystemId system) => Policies.FirstOrDefault(p => p.Systems.Contains(system));

    /// <summary>The calendar of this name; the default one when there is none.</summary>
    public OpeningCalendar CalendarOf(string name) => Calendars.FirstOrDefault(c => c.Name == name) ?? OpeningCalendar.Default;
}
