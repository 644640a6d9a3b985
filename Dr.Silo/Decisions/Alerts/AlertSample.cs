namespace Dr.Silo.Decisions.Alerts;

/// <summary>One value that was found, with what it is about.</summary>
public sealed record AlertSample
{
    public required AlertKind Kind { get; init; }

    /// <summary><c>system:ID</c>, <c>device:ID</c>, <c>site:ID</c>, <c>run:ID</c>, <c>role:NAME</c>, <c>database</c>, <c>broker</c>, <c>silo:NAME</c>.</summary>
    public required string Subject { get; init; }

    public required double Value { get; init; }

    /// <summary>One sentence with the figures, for people.</summary>
    public required string Text { get; init; }

    /// <summary>Since when it is known to be so; null = since it is first said. Lets a restart count on instead of anew.</summary>
    public DateTimeOffset? Since { get; init; }

    /// <summary>Keys of what would explain this one; only those of an earlier kind count.</summary>
    public IReadOnlyList<string> Causes { get; init; } = [];

    public string Key => KeyOf(Kind, Subject);

    public static string KeyOf(AlertKind kind, string subject) => $"{kind}/{subject}";
}
