namespace Dr.Silo.WebConsole;

/// <summary>Everything that the page shows, read at one moment.</summary>
public sealed record ConsoleSnapshot
{
    /// <summary>The silo's clock when this was read; every age on the page is counted from it.</summary>
    public required DateTimeOffset At { get; init; }

    public IReadOnlyList<SystemView> Systems { get; init; } = [];

    public IReadOnlyList<SiteView> Sites { get; init; } = [];

    public IReadOnlyList<DeviceView> Devices { get; init; } = [];

    public IReadOnlyList<VolumeView> Volumes { get; init; } = [];

    /// <summary>Newest first, the live ones too.</summary>
    public IReadOnlyList<RunView> Runs { get; init; } = [];

    /// <summary>Newest first.</summary>
    public IReadOnlyList<EventRecord> Events { get; init; } = [];

    /// <summary>Null when they could not be read.</summary>
    public AlertsView? Alerts { get; init; }

    /// <summary>What could not be read in time, one sentence each. The rest is shown all the same.</summary>
    public IReadOnlyList<string> Missing { get; init; } = [];
}
