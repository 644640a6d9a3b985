namespace Dr.Silo.Decisions.Alerts;

/// <summary>One alert as it is followed: on its way, firing, or calming down. Everything it needs is here, so that it survives a restart.</summary>
public sealed record AlertState
{
    public required AlertKind Kind { get; init; }

    public required string Subject { get; init; }

    /// <summary>None = on its way; it is not an alert yet.</summary>
    public AlertLevel Level { get; init; }

    public DateTimeOffset? WarningSince { get; init; }

    public DateTimeOffset? CriticalSince { get; init; }

    /// <summary>Since when it could be left, while it fires.</summary>
    public DateTimeOffset? CalmSince { get; init; }

    public DateTimeOffset? RaisedAt { get; init; }

    public double Value { get; init; }

    public string Text { get; init; } = "";

    public IReadOnlyList<string> Causes { get; init; } = [];

    /// <summary>Key of the alert that this one is folded into; null = it stands for itself.</summary>
    public string? Cause { get; init; }

    /// <summary>Worst of its own level and those of what is folded into it.</summary>
    public AlertLevel GroupLevel { get; init; }

    /// <summary>Counts what was told about it; part of each notice's id.</summary>
    public int Notices { get; init; }

    public AlertQuiet? Acknowledged { get; init; }

    public string Key => AlertSample.KeyOf(Kind, Subject);

    /// <summary>This occurrence: the same alert raised again later is another.</summary>
    public string Id => $"{Kind}.{Subject.Replace(':', '.')}.{RaisedAt?.ToUnixTimeSeconds() ?? 0}".ToLowerInvariant();

    public bool IsFiring => Level > AlertLevel.None;

    /// <summary>Firing and explained by nothing else.</summary>
    public bool IsRoot => IsFiring && Cause is null;
}

/// <summary>Somebody said that they know, or that nothing is to be told, until a time and for a reason.</summary>
public sealed record AlertQuiet(string By, DateTimeOffset At, DateTimeOffset Until, string Reason, AlertLevel Level);

/// <summary>Nothing is told about what matches, until its end.</summary>
/// <param name="Kind">Null = every kind.</param>
/// <param name="Subject">Null = every subject.</param>
public sealed record AlertSilence(string Id, AlertKind? Kind, string? Subject, string By, DateTimeOffset At, DateTimeOffset Until, string Reason)
{
    public bool Covers(AlertState alert, DateTimeOffset now)
    {
        ArgumentNullException.ThrowIfNull(alert);
        return now < Until && (Kind is null || Kind == alert.Kind) && (Subject is null || Subject == alert.Subject);
    }
}
