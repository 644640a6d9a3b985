namespace Dr.Edge.Host.Recovery;

internal enum RecoveryState
{
    /// <summary>Under way; found at a start of the agent, it was cut off and is taken back.</summary>
    Running,

    /// <summary>The tables are there; it can be undone.</summary>
    Done,

    /// <summary>Failed or cancelled: nothing of it is left.</summary>
    TakenBack,
    Undone,
}

/// <summary>One recovery of tables, as it is kept on disk.</summary>
internal sealed record RecoveryRecord
{
    /// <summary>Time of its start, <c>yyyyMMddHHmmss</c> in UTC, made unique.</summary>
    public required string Id { get; init; }

    public required string System { get; init; }

    public required string Component { get; init; }

    public required string Database { get; init; }

    /// <summary>The moment that the tables are from: a point's id or a time; the clone's name when it was given.</summary>
    public required string At { get; init; }

    public required string CloneName { get; init; }

    /// <summary>The clone was made for this and goes with it.</summary>
    public required bool OwnsClone { get; init; }

    /// <summary>The rows of the tables in use were replaced; otherwise the recovered tables lie beside them.</summary>
    public required bool Replaces { get; init; }

    public required RecoveryState State { get; init; }

    /// <summary>The clone may still be mounted, with a database on it: it is to be closed, whatever became of the recovery.</summary>
    public bool CloneOpen { get; init; }

    public required DateTimeOffset StartedAt { get; init; }

    public DateTimeOffset? FinishedAt { get; init; }

    public IReadOnlyList<RecoveredTable> Tables { get; init; } = [];

    /// <summary>Why it was taken back.</summary>
    public string? Reason { get; init; }

    /// <summary>Schema (PostgreSQL) or database (MariaDB) that holds the tables as they were at the point.</summary>
    public string Recovered => $"dr_recovered_{Id}";

    /// <summary>The same for the rows as they were just before they were replaced.</summary>
    public string Before => $"dr_before_{Id}";
}

/// <param name="Name">As it is written in a statement.</param>
/// <param name="Rows">At the point.</param>
/// <param name="RowsBefore">In the table in use, before it was replaced.</param>
internal sealed record RecoveredTable(string Name, long Rows, long Bytes, long? RowsBefore = null);

/// <param name="At">A point's id or label, or a time.</param>
/// <param name="CloneName">A clone that is there, instead of <paramref name="At"/>.</param>
/// <param name="Component">The database; null = the only one.</param>
/// <param name="Database">In that server; null = the only one.</param>
/// <param name="Replace">Put the rows in place of those in use.</param>
internal sealed record RecoveryRequest(string? At, string? CloneName, string? Component, string? Database, IReadOnlyList<string> Tables, bool All, bool Replace);
