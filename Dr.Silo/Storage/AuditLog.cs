using System.Data.Common;
using System.Security.Cryptography;
using System.Text;
using Dapper;

namespace Dr.Silo.Storage;

/// <summary>
/// Append-only (triggers refuse everything else), each entry with a hash over the one before and itself: who removes or changes one has to rewrite all that follow.
/// </summary>
public sealed class AuditLog(Database database)
{
    private const string Columns =
        "sequence as Sequence, at as At, actor as Actor, action as Action, subject as Subject, epoch as Epoch, text as Text, evidence as Evidence, hash as Hash";

    private static readonly string Genesis = new('0', 64);

    /// <summary>Appends entries in order; one whose <paramref name="entries"/> key is there already was written before a crash and is left as it is.</summary>
    public Task<int> AppendAsync(IReadOnlyList<(string? Key, AuditRecord Record)> entries, CancellationToken cancellationToken) =>
        database.WriteAsync((connection, transaction) => AppendAsync(connection, transaction, entries, cancellationToken), cancellationToken);

    /// <summary>The same in the caller's transaction: what is told and what is done are there together or not at all.</summary>
    public async Task<int> AppendAsync(DbConnection connection, DbTransaction transaction, IReadOnlyList<(string? Key, AuditRecord Record)> entries, CancellationToken cancellationToken)
    {
        // One writer at a time: an entry needs the hash of the one before it, committed.
        await database.LockAsync(connection, transaction, "dr.audit", cancellationToken);
        var last = await connection.QuerySingleOrDefaultAsync<Row>($"select {Columns} from dr_audit order by sequence desc limit 1", transaction: transaction);
        var (sequence, hash) = (last?.Sequence ?? 0, last?.Hash ?? Genesis);
        var written = 0;
        foreach (var (key, record) in entries)
        {
            if (key is not null && await connection.ExecuteScalarAsync<long>("select count(*) from dr_audit where key = @Key", new { Key = key }, transaction) > 0)
            {
                continue;
            }

            var entry = Normal(record with { Sequence = ++sequence });
            hash = HashOf(hash, entry);
            await connection.ExecuteAsync(
                "insert into dr_audit (sequence, at, actor, action, subject, epoch, text, evidence, hash, key) values (@Sequence, @At, @Actor, @Action, @Subject, @Epoch, @Text, @Evidence, @Hash, @Key)",
                new
                {
                    entry.Sequence,
                    At = entry.At.ToStore(),
                    entry.Actor,
                    entry.Action,
                    entry.Subject,
                    Epoch = entry.Epoch.Value,
                    entry.Text,
                    Evidence = FactsJson.Write(entry.Evidence),
                    Hash = hash,
                    Key = key,
                },
                transaction);
            written++;
        }

        return written;
    }

    /// <summary>Entries after <paramref name="after"/>, oldest first.</summary>
    public async Task<IReadOnlyList<AuditRecord>> ReadAsync(long after, int limit, AuditFilterBy? filter, CancellationToken cancellationToken)
    {
        filter ??= AuditFilterBy.Nothing;
        await using var connection = await database.OpenAsync(cancellationToken);
        var rows = await connection.QueryAsync<Row>(
            $"select {Columns} from dr_audit where sequence > @After{filter.Sql} order by sequence limit @Limit",
            new { After = after, Limit = limit, filter.Subject, filter.Actor, filter.Action, Since = filter.Since?.ToStore(), Until = filter.Until?.ToStore() });
        return [.. rows.Select(row => row.ToRecord())];
    }

    /// <summary>Reads the whole chain; the first entry that does not fit, or null.</summary>
    public async Task<long?> FirstBrokenAsync(CancellationToken cancellationToken)
    {
        var (hash, after) = (Genesis, 0L);
        while (await ReadAsync(after, 1000, null, cancellationToken) is { Count: > 0 } page)
        {
            foreach (var entry in page)
            {
                hash = HashOf(hash, entry);
                if (entry.Sequence != ++after || entry.Hash != hash)
                {
                    return after;
                }
            }
        }

        return null;
    }

    private static AuditRecord Normal(AuditRecord record) => record with { At = Clocks.FromStore(record.At.ToStore()) };

    private static string HashOf(string previous, AuditRecord record)
    {
        // Lengths before texts: no two different entries give the same bytes.
        var text = new StringBuilder(previous).Append('|').Append(record.Sequence).Append('|').Append(record.At.ToStore()).Append('|').Append(record.Epoch.Value);
        foreach (var part in new[] { record.Actor, record.Action, record.Subject, record.Text, FactsJson.Write(record.Evidence) })
        {
            text.Append('|').Append(part.Length).Append(':').Append(part);
        }

        return Convert.ToHexStringLower(SHA256.HashData(Encoding.UTF8.GetBytes(text.ToString())));
    }

    private sealed record Row
    {
        public long Sequence { get; init; }

        public long At { get; init; }

        public string Actor { get; init; } = "";

        public string Action { get; init; } = "";

        public string Subject { get; init; } = "";

        public long Epoch { get; init; }

        public string Text { get; init; } = "";

        public string Evidence { get; init; } = "{}";

        public string Hash { get; init; } = "";

        public AuditRecord ToRecord() => new()
        {
            Sequence = Sequence,
            At = Clocks.FromStore(At),
            Actor = Actor,
            Action = Action,
            Subject = Subject,
            Epoch = new Epoch(Epoch),
            Text = Text,
            Evidence = FactsJson.Read(Evidence),
            Hash = Hash,
        };
    }
}

/// <summary>Which entries of the audit; null = any.</summary>
public sealed record AuditFilterBy
{
    public static AuditFilterBy Nothing { get; } = new();

    public string? Subject { get; init; }

    public string? Actor { get; init; }

    public string? Action { get; init; }

    /// <summary>Inclusive.</summary>
    public DateTimeOffset? Since { get; init; }

    /// <summary>Exclusive.</summary>
    public DateTimeOffset? Until { get; init; }

    internal string Sql => string.Concat(
        Subject is null ? "" : " and subject = @Subject",
        Actor is null ? "" : " and actor = @Actor",
        Action is null ? "" : " and action = @Action",
        Since is null ? "" : " and at >= @Since",
        Until is null ? "" : " and at < @Until");
}
