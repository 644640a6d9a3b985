using Dapper;

namespace Dr.Silo.Storage;

/// <summary>What happened, for readers that follow: ids grow by one in commit order, so a reader that continues after the last id it has misses nothing.</summary>
public sealed class EventLog(Database database)
{
    /// <summary>Older ones are pruned now and then; the audit keeps everything that matters.</summary>
    public const int Kept = 100_000;

    private const string Columns = "id as Id, at as At, kind as Kind, subject as Subject, severity as Severity, text as Text, data as Data";

    private TaskCompletionSource _appended = new(TaskCreationOptions.RunContinuationsAsynchronously);

    /// <summary>Completes at the next append of this process; other silos' appends are seen by reading again.</summary>
    public Task NextAppend => Volatile.Read(ref _appended).Task;

    public async Task AppendAsync(IReadOnlyList<(string? Key, EventRecord Record)> events, CancellationToken cancellationToken)
    {
        if (events.Count == 0)
        {
            return;
        }

        await database.WriteAsync(
            async (connection, transaction) =>
            {
                // Ids in commit order: without the lock a later id could be committed, and read, before an earlier one.
                await database.LockAsync(connection, transaction, "dr.events", cancellationToken);
                var id = await connection.ExecuteScalarAsync<long?>("select max(id) from dr_event", transaction: transaction) ?? 0;
                foreach (var (key, record) in events)
                {
                    id += await connection.ExecuteAsync(
                        "insert into dr_event (id, at, kind, subject, severity, text, data, key) values (@Id, @At, @Kind, @Subject, @Severity, @Text, @Data, @Key) on conflict (key) do nothing",
                        new { Id = id + 1, At = record.At.ToStore(), record.Kind, record.Subject, Severity = (int)record.Severity, record.Text, Data = FactsJson.Write(record.Data), Key = key },
                        transaction);
                }

                if (id % 1000 == 0)
                {
                    await connection.ExecuteAsync("delete from dr_event where id <= @Floor", new { Floor = id - Kept }, transaction);
                }

                return id;
            },
            cancellationToken);
        Interlocked.Exchange(ref _appended, new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously)).SetResult();
    }

    public Task<IReadOnlyList<EventRecord>> ReadAsync(long after, int limit, CancellationToken cancellationToken) => ReadAsync(after, limit, EventFilter.Nothing, cancellationToken);

    /// <summary>Oldest first, after the given id.</summary>
    public async Task<IReadOnlyList<EventRecord>> ReadAsync(long after, int limit, EventFilter filter, CancellationToken cancellationToken)
    {
        ArgumentNullException.ThrowIfNull(filter);
        await using var connection = await database.OpenAsync(cancellationToken);
        var rows = await connection.QueryAsync<Row>(
            $"select {Columns} from dr_event where id > @After{filter.Sql} order by id limit @Limit",
            new { After = after, Limit = limit, filter.Subject, filter.Kind, Severity = (int?)filter.Least });
        return [.. rows.Select(row => row.ToRecord())];
    }

    /// <summary>The newest, newest first.</summary>
    public async Task<IReadOnlyList<EventRecord>> NewestAsync(int limit, CancellationToken cancellationToken)
    {
        await using var connection = await database.OpenAsync(cancellationToken);
        var rows = await connection.QueryAsync<Row>($"select {Columns} from dr_event order by id desc limit @Limit", new { Limit = limit });
        return [.. rows.Select(row => row.ToRecord())];
    }

    public async Task<long> LastIdAsync(CancellationToken cancellationToken)
    {
        await using var connection = await database.OpenAsync(cancellationToken);
        return await connection.ExecuteScalarAsync<long?>("select max(id) from dr_event") ?? 0;
    }

    private sealed record Row
    {
        public long Id { get; init; }

        public long At { get; init; }

        public string Kind { get; init; } = "";

        public string Subject { get; init; } = "";

        public long Severity { get; init; }

        public string Text { get; init; } = "";

        public string Data { get; init; } = "{}";

        public EventRecord ToRecord() => new()
        {
            Id = Id,
            At = Clocks.FromStore(At),
            Kind = Kind,
            Subject = Subject,
            Severity = (Severity)Severity,
            Text = Text,
            Data = FactsJson.Read(Data),
        };
    }
}

/// <summary>Which events; null = any.</summary>
/// <param name="Least">This severity and above.</param>
public sealed record EventFilter(string? Subject = null, string? Kind = null, Severity? Least = null)
{
    public static EventFilter Nothing { get; } = new();

    internal string Sql => string.Concat(
        Subject is null ? "" : " and subject = @Subject", Kind is null ? "" : " and kind = @Kind", Least is null ? "" : " and severity >= @Severity");
}
