using System.Text.Json;

namespace Dr.Edge.Cli;

/// <summary>What the control socket answers instead of a result when a request is refused (status 4xx) or failed (5xx).</summary>
internal sealed record ControlError(string Message, string? Hint);

/// <summary>One line of a long operation's answer (one JSON object per line): progress, and at the end either the result or the error.</summary>
internal sealed record ControlProgress
{
    public string? Step { get; init; }

    public long DoneBytes { get; init; }

    public long TotalBytes { get; init; }

    public JsonElement? Result { get; init; }

    public ControlError? Error { get; init; }
}
