using Dr.Simulator.Live.Faults;
using Dr.Simulator.Live.World;

namespace Dr.Simulator.Live;

/// <summary>One fault and what came of it.</summary>
internal sealed record FaultStory
{
    public required LiveFault Fault { get; init; }

    public required DateTimeOffset StruckAt { get; init; }

    /// <summary>When what was broken was mended.</summary>
    public required DateTimeOffset MendedAt { get; init; }

    /// <summary>When every system was protected at its home again and every client served; null = not in time.</summary>
    public required DateTimeOffset? WholeAt { get; init; }

    public CorruptionFinding? Corruption { get; init; }

    public IReadOnlyList<TakeoverStory> Takeovers { get; init; } = [];

    /// <summary>Longest time between two answered commits from the strike until the world was whole, in seconds, by system.</summary>
    public IReadOnlyDictionary<string, double> Waits { get; init; } = new Dictionary<string, double>();
}

/// <summary>A takeover that followed a fault, as the control plane tells it.</summary>
/// <param name="DetectedAfter">Seconds from the strike until it was detected; null when the run does not say.</param>
/// <param name="DoneAfter">Seconds from the strike until the other site was checked and served.</param>
internal sealed record TakeoverStory(string System, string From, string To, double? DetectedAfter, double? DoneAfter, string? FencingProof, string? PredictedLossSeconds);
