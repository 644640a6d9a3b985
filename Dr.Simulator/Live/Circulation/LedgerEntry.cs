namespace Dr.Simulator.Live.Circulation;

/// <summary>What the client of a database knows about one transaction.</summary>
internal enum LedgerState
{
    /// <summary>The database answered the commit: losing it is a loss.</summary>
    Committed,

    /// <summary>The connection broke while the commit was under way: it may be there or not, both are right.</summary>
    Unknown,
}

/// <summary>One line of the ledger: <c>C|U id kind UTC-time</c>, blank-separated.</summary>
/// <param name="Id">Made by the client, ascending from 1.</param>
/// <param name="Kind">borrow or return.</param>
/// <param name="At">Client's time when the answer (or the break) came.</param>
internal readonly record struct LedgerEntry(LedgerState State, long Id, string Kind, DateTimeOffset At)
{
    public string Format() =>
        string.Create(CultureInfo.InvariantCulture, $"{(State == LedgerState.Committed ? 'C' : 'U')} {Id} {Kind} {At.UtcDateTime:O}");

    /// <exception cref="DrException">The line is not one of ours; says which and why.</exception>
    public static LedgerEntry Parse(string line, string path, int lineNumber)
    {
        var parts = line.Split(' ');
        if (parts.Length == 4 && parts[0] is "C" or "U"
            && long.TryParse(parts[1], NumberStyles.None, CultureInfo.InvariantCulture, out var id)
            && DateTimeOffset.TryParseExact(parts[3], "O", CultureInfo.InvariantCulture, DateTimeStyles.AssumeUniversal, out var at))
        {
            return new LedgerEntry(parts[0] == "C" ? LedgerState.Committed : LedgerState.Unknown, id, parts[2], at);
        }

        throw new DrException(
            $"{path}: line {lineNumber} is not a ledger entry: \"{line}\".",
            "A ledger line reads 'C|U id kind time'; a torn last line means that the workload was killed while writing it.");
    }
}
