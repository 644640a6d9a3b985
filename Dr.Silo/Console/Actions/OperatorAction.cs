using Dr.Silo.WebConsole.Text;

namespace Dr.Silo.WebConsole.Actions;

/// <summary>One order that a person may give from the page: what its button says, what its dialog says, and the request of the admin API that it becomes.</summary>
public sealed record OperatorAction
{
    /// <summary><c>failover</c>, <c>move</c>, <c>failback</c>, <c>approve</c>, <c>commit</c>, <c>stop</c>.</summary>
    public required string Verb { get; init; }

    public required string Label { get; init; }

    /// <summary>Path of the POST.</summary>
    public required string Url { get; init; }

    public SystemId System { get; init; }

    /// <summary>Set for orders that start a run; goes into the body.</summary>
    public string? Kind { get; init; }

    /// <summary>The epoch shown on the page; sent as <c>If-Match</c>, so that a page that is out of date starts nothing.</summary>
    public Epoch? SeenEpoch { get; init; }

    /// <summary>Headline of the dialog, a question.</summary>
    public required string Question { get; init; }

    /// <summary>What will happen and what it may cost, one sentence each.</summary>
    public required IReadOnlyList<string> Consequences { get; init; }

    /// <summary>What the person has to attest; null when nothing.</summary>
    public string? Attestation { get; init; }

    /// <summary>How long, as it is proposed (<c>1h</c>); null when there is nothing to say how long for.</summary>
    public string? Duration { get; init; }

    /// <summary>What the person has to state in words; null when nothing.</summary>
    public string? Statement { get; init; }

    public Tone Tone { get; init; } = Tone.Idle;
}
