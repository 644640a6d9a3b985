using Dr.Silo.WebConsole.Text;

namespace Dr.Silo.WebConsole.Outlook;

/// <summary>The answer to the only question that counts at three in the morning.</summary>
public sealed record Readiness
{
    public required Tone Tone { get; init; }

    /// <summary>Can everything be taken over now? Changes only when the answer does, so that it can be read out when it changes.</summary>
    public required string Verdict { get; init; }

    /// <summary>What would be lost and how long it would take; null when nothing can be taken over.</summary>
    public string? Cost { get; init; }

    /// <summary>What is under way or waits for somebody, one sentence each, what needs a person first.</summary>
    public IReadOnlyList<string> UnderWay { get; init; } = [];

    /// <summary>The whole as one text.</summary>
    public override string ToString() => string.Join(' ', UnderWay.Append(Verdict).Append(Cost ?? "").Where(s => s.Length > 0));
}
