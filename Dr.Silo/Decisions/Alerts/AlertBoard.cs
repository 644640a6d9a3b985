using System.Collections.Immutable;

namespace Dr.Silo.Decisions.Alerts;

/// <summary>Everything that is followed, by key, and what nobody wants to hear about.</summary>
public sealed record AlertBoard
{
    public static AlertBoard Empty { get; } = new();

    public ImmutableSortedDictionary<string, AlertState> Alerts { get; init; } = ImmutableSortedDictionary.Create<string, AlertState>(StringComparer.Ordinal);

    public ImmutableList<AlertSilence> Silences { get; init; } = [];
}

public enum AlertNoticeKind
{
    Raised,

    /// <summary>Its group got worse.</summary>
    Escalated,

    /// <summary>Its group got better and is not over.</summary>
    Eased,

    Cleared,

    /// <summary>What it was acknowledged for has ended, and it is still there.</summary>
    Reminded,
}

/// <summary>What is to be told. <paramref name="Id"/> is the same however often it is sent.</summary>
public sealed record AlertNotice(string Id, AlertNoticeKind Kind, AlertState Alert, DateTimeOffset At);

public sealed record AlertStep(AlertBoard Board, IReadOnlyList<AlertNotice> Notices);
