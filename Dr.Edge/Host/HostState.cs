using Dr.Edge.Host.Processes;

namespace Dr.Edge.Host;

/// <summary>What the agent must still know of a system after it was killed.</summary>
internal sealed record HostState
{
    /// <summary>The ownership under which the system was last started here.</summary>
    public Epoch StartedAt { get; init; }

    /// <summary>True from before the first step of a start until after the last step of a stop.</summary>
    public bool ShouldRun { get; init; }

    /// <summary>Highest epoch of a start, a stop or a network action here; lower ones are refused.</summary>
    public Epoch Highest { get; init; }

    /// <summary>The clone that it works on in place of its volume; null = its volume.</summary>
    public string? OnClone { get; init; }

    /// <summary>The ownership under which <see cref="OnClone"/> was chosen; under a later one it is not used any more.</summary>
    public Epoch CloneChosenAt { get; init; }

    public Dictionary<string, ProcessMark> Components { get; init; } = [];
}
