namespace Dr.Edge.Host.Plan;

/// <summary>One layer of the attachment: the export as a file, the file as a block device, the file system on it.</summary>
internal enum LayerState
{
    Absent,
    Present,

    /// <summary>It is there but does not work any more, or stands on something that does not.</summary>
    Stale,
}

internal enum ComponentPresence
{
    Absent,
    Running,

    /// <summary>Processes of it are left, but it does not run as a whole.</summary>
    Leftover,
}

/// <summary>What was found of a system on this machine, before anything is decided. The state file is only a memory; this is what is.</summary>
internal sealed record SystemObservation
{
    public LayerState Export { get; init; }

    public LayerState Loop { get; init; }

    public LayerState Mount { get; init; }

    public IReadOnlyDictionary<string, ComponentPresence> Components { get; init; } = new Dictionary<string, ComponentPresence>();

    /// <summary>The epoch at which it was last started here.</summary>
    public Epoch StartedAt { get; init; }

    public bool IsStale => Export == LayerState.Stale || Loop == LayerState.Stale || Mount == LayerState.Stale
        || (Loop == LayerState.Present && Export == LayerState.Absent)
        || (Mount == LayerState.Present && Loop == LayerState.Absent);

    public bool IsGone => Export == LayerState.Absent && Loop == LayerState.Absent && Mount == LayerState.Absent
        && Components.Values.All(p => p == ComponentPresence.Absent);

    public ComponentPresence Of(string component) => Components.GetValueOrDefault(component);
}
