namespace Dr.Simulator.Live.Circulation;

/// <summary>The database against the ledger.</summary>
internal sealed record LedgerVerdict
{
    /// <summary>Transactions whose commit was answered.</summary>
    public required int Committed { get; init; }

    /// <summary>Answered, but not in the database.</summary>
    public required int Lost { get; init; }

    /// <summary>How long before the last answered commit of the lost stretch the oldest lost one was answered, in seconds; 0 when none is lost.</summary>
    public required double LostSeconds { get; init; }

    /// <summary>Broken off in mid-commit and found in the database.</summary>
    public required int UnknownFound { get; init; }

    /// <summary>Broken off in mid-commit and not found.</summary>
    public required int UnknownMissing { get; init; }

    /// <summary>In the database, in neither list: never sent by this client, so always 0 in a sound run.</summary>
    public required int Unexplained { get; init; }

    public required DateTimeOffset? FirstLostAt { get; init; }

    public required DateTimeOffset? LastLostAt { get; init; }

    /// <summary>Pure comparison.</summary>
    public static LedgerVerdict Compare(IReadOnlyList<LedgerEntry> ledger, IReadOnlySet<long> inDatabase)
    {
        var committed = ledger.Where(e => e.State == LedgerState.Committed).ToList();
        var known = committed.Select(e => e.Id).ToHashSet();
        var unknown = ledger.Where(e => e.State == LedgerState.Unknown && !known.Contains(e.Id)).Select(e => e.Id).ToHashSet();
        var lost = committed.Where(e => !inDatabase.Contains(e.Id)).ToList();
        var (first, last) = lost.Count == 0 ? ((DateTimeOffset?)null, (DateTimeOffset?)null) : (lost.Min(e => e.At), lost.Max(e => e.At));
        return new LedgerVerdict
        {
            Committed = committed.Count,
            Lost = lost.Count,
            LostSeconds = first is null ? 0 : (last!.Value - first.Value).TotalSeconds,
            UnknownFound = unknown.Count(inDatabase.Contains),
            UnknownMissing = unknown.Count(id => !inDatabase.Contains(id)),
            Unexplained = inDatabase.Count(id => !known.Contains(id) && !unknown.Contains(id)),
            FirstLostAt = first,
            LastLostAt = last,
        };
    }
}
