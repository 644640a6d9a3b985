using System.Data.Common;
using Dapper;

namespace Dr.Silo.Storage;

/// <summary>The journal of runs. Every write is safe to repeat: that is how a run goes on after a restart in the middle of it.</summary>
public sealed class RunJournal(Database database, TimeProvider time)
{
    private const string RunColumns =
        "id as Id, system as System, kind as Kind, state as State, from_site as FromSite, to_site as ToSite, epoch as Epoch, actor as Actor, reason as Reason, started_at as StartedAt, finished_at as FinishedAt, outcome as Outcome";

    private const string StepColumns =
        "run as Run, step as Step, target as Target, ordinal as Ordinal, intent as Intent, state as State, attempt as Attempt, epoch as Epoch, started_at as StartedAt, finished_at as FinishedAt, detail as Detail, evidence as Evidence";

    public Task OpenAsync(RunHeader run, CancellationToken cancellationToken) => DoAsync(
        """
        insert into dr_run (id, system, kind, state, from_site, to_site, epoch, actor, reason, started_at)
        values (@Id, @System, @Kind, 'Running', @From, @To, @Epoch, @Actor, @Reason, @StartedAt) on conflict (id) do nothing
        """,
        new
        {
            Id = run.Id.Value,
            System = run.System.Value,
            Kind = run.Kind.ToString(),
            From = run.From.Value,
            To = run.To.Value,
            Epoch = run.Epoch.Value,
            run.Actor,
            run.Reason,
            StartedAt = run.StartedAt.ToStore(),
        },
        cancellationToken);

    /// <summary>Writes the intent. One that is finished is returned as it is; one that failed or never ended gets the attempt that the intent names.</summary>
    public Task<StepRecord> BeginAsync(RunId run, StepIntent intent, CancellationToken cancellationToken) => database.WriteAsync(
        async (connection, transaction) =>
        {
            await database.LockAsync(connection, transaction, $"dr.run.{run}", cancellationToken);
            var key = new { Run = run.Value, intent.Step, intent.Target };
            if (await StepAsync(connection, transaction, key) is { State: StepState.Done or StepState.Skipped } done)
            {
                return done;
            }

            await connection.ExecuteAsync(
                """
                insert into dr_run_step (run, step, target, ordinal, intent, state, attempt, epoch, started_at, evidence)
                values (@Run, @Step, @Target, (select count(*) from dr_run_step where run = @Run), @Intent, 'Intended', @Attempt, @Epoch, @Now, '{}')
                on conflict (run, step, target) do update
                    set state = 'Intended', attempt = excluded.attempt, intent = excluded.intent, epoch = excluded.epoch, finished_at = null
                """,
                new { Run = run.Value, intent.Step, intent.Target, intent.Intent, Epoch = intent.Epoch.Value, intent.Attempt, Now = time.GetUtcNow().ToStore() },
                transaction);
            return await StepAsync(connection, transaction, key) ?? throw new InvariantException($"step {intent.Step} of {run} vanished.");
        },
        cancellationToken);

    /// <summary>Writes the result. The first good one stays.</summary>
    public Task EndAsync(RunId run, string step, string target, StepState state, string? detail, IReadOnlyDictionary<string, string> evidence, CancellationToken cancellationToken) => DoAsync(
        "update dr_run_step set state = @State, finished_at = @Now, detail = @Detail, evidence = @Evidence where run = @Run and step = @Step and target = @Target and state <> 'Done'",
        new { Run = run.Value, Step = step, Target = target, State = state.ToString(), Now = time.GetUtcNow().ToStore(), Detail = detail, Evidence = FactsJson.Write(evidence) },
        cancellationToken);

    public Task NoteAsync(RunId run, string name, string value, CancellationToken cancellationToken) => DoAsync(
        "insert into dr_run_fact (run, name, value) values (@Run, @Name, @Value) on conflict (run, name) do update set value = excluded.value",
        new { Run = run.Value, Name = name, Value = value },
        cancellationToken);

    /// <summary>States of a live run; a closed one stays closed.</summary>
    public Task SetStateAsync(RunId run, RunState state, CancellationToken cancellationToken) => DoAsync(
        "update dr_run set state = @State where id = @Id and finished_at is null", new { Id = run.Value, State = state.ToString() }, cancellationToken);

    /// <summary>True when this call closed it; one that is closed stays as it is.</summary>
    public async Task<bool> CloseAsync(RunId run, RunState state, string outcome, CancellationToken cancellationToken) => await DoAsync(
        "update dr_run set state = @State, outcome = @Outcome, finished_at = @Now where id = @Id and finished_at is null",
        new { Id = run.Value, State = state.ToString(), Outcome = outcome, Now = time.GetUtcNow().ToStore() },
        cancellationToken) > 0;

    public async Task<RunView?> ReadAsync(RunId run, CancellationToken cancellationToken)
    {
        await using var connection = await database.OpenAsync(cancellationToken);
        var row = await connection.QuerySingleOrDefaultAsync<RunRow>($"select {RunColumns} from dr_run where id = @Id", new { Id = run.Value });
        return row is null ? null : await WithStepsAsync(connection, row);
    }

    public Task<IReadOnlyList<RunView>> ListAsync(SystemId? system, int limit, CancellationToken cancellationToken) => ListAsync(new RunFilter { System = system?.Value }, limit, cancellationToken);

    /// <summary>Newest first.</summary>
    public async Task<IReadOnlyList<RunView>> ListAsync(RunFilter filter, int limit, CancellationToken cancellationToken)
    {
        ArgumentNullException.ThrowIfNull(filter);
        await using var connection = await database.OpenAsync(cancellationToken);
        var rows = await connection.QueryAsync<RunRow>(
            $"select {RunColumns} from dr_run where 1 = 1{filter.Sql} order by started_at desc, id limit @Limit",
            new { filter.System, Kind = filter.Kind?.ToString(), State = filter.State?.ToString(), filter.After, Limit = limit });
        List<RunView> views = [];
        foreach (var row in rows)
        {
            views.Add(await WithStepsAsync(connection, row));
        }

        return views;
    }

    private static async Task<RunView> WithStepsAsync(DbConnection connection, RunRow row)
    {
        var key = new { Run = row.Id };
        var steps = await connection.QueryAsync<StepRow>($"select {StepColumns} from dr_run_step where run = @Run order by ordinal, started_at", key);
        var facts = await connection.QueryAsync<(string Name, string Value)>("select name, value from dr_run_fact where run = @Run order by name", key);
        return row.ToView([.. steps.Select(s => s.ToRecord())], facts.ToDictionary(f => f.Name, f => f.Value, StringComparer.Ordinal));
    }

    private static async Task<StepRecord?> StepAsync(DbConnection connection, DbTransaction transaction, object key)
    {
        var row = await connection.QuerySingleOrDefaultAsync<StepRow>($"select {StepColumns} from dr_run_step where run = @Run and step = @Step and target = @Target", key, transaction);
        return row?.ToRecord();
    }

    /// <summary>How many rows changed.</summary>
    private async Task<int> DoAsync(string sql, object parameters, CancellationToken cancellationToken) =>
        await database.WriteAsync((connection, transaction) => connection.ExecuteAsync(sql, parameters, transaction), cancellationToken);
}

/// <summary>Which runs; null = any.</summary>
public sealed record RunFilter
{
    public static RunFilter Nothing { get; } = new();

    public string? System { get; init; }

    public RunKind? Kind { get; init; }

    public RunState? State { get; init; }

    /// <summary>Only those that have not ended.</summary>
    public bool Live { get; init; }

    /// <summary>The last run of the page before; what began earlier follows.</summary>
    public string? After { get; init; }

    internal string Sql => string.Concat(
        System is null ? "" : " and system = @System",
        Kind is null ? "" : " and kind = @Kind",
        State is null ? "" : " and state = @State",
        Live ? " and finished_at is null" : "",
        After is null ? "" : " and exists (select 1 from dr_run last where last.id = @After and (dr_run.started_at < last.started_at or (dr_run.started_at = last.started_at and dr_run.id > last.id)))");
}
