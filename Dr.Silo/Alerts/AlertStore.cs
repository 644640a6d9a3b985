using System.Data.Common;
using System.Text.Json;
using System.Text.Json.Serialization;
using Dapper;
using Dr.Contracts.Grains;
using Dr.Silo.Decisions.Alerts;
using Dr.Silo.Storage;

namespace Dr.Silo.Alerts;

/// <summary>The board and the outbox of notices. What is to be told is committed with the board that says so, and told from there.</summary>
internal sealed class AlertStore(Database database, TimeProvider time)
{
    /// <summary>A notice that nobody took for this long is given up; the alert itself is still in view.</summary>
    public static readonly TimeSpan GiveUpAfter = TimeSpan.FromHours(24);

    public static readonly TimeSpan FirstPause = TimeSpan.FromSeconds(5);

    public static readonly TimeSpan LongestPause = TimeSpan.FromMinutes(10);

    /// <summary>While one silo delivers, others leave the notice alone; longer than any delivery may take.</summary>
    public static readonly TimeSpan ClaimFor = TimeSpan.FromMinutes(2);

    private static readonly TimeSpan Kept = TimeSpan.FromDays(30);

    private const int StepsLooked = 2000;
    private const int StepsNeeded = 5;

    public async Task<(AlertBoard Board, long Version)> LoadAsync(CancellationToken cancellationToken)
    {
        await using var connection = await database.OpenAsync(cancellationToken);
        var version = await connection.ExecuteScalarAsync<long?>("select version from dr_alert_board where id = 1") ?? 0;
        var alerts = (await connection.QueryAsync<string>("select state from dr_alert")).Select(text => JsonSerializer.Deserialize(text, AlertJson.Default.AlertState)!);
        var silences = (await connection.QueryAsync<string>("select state from dr_alert_silence")).Select(text => JsonSerializer.Deserialize(text, AlertJson.Default.AlertSilence)!);
        return (AlertBoard.Empty with { Alerts = AlertBoard.Empty.Alerts.AddRange(alerts.Select(a => KeyValuePair.Create(a.Key, a))), Silences = [.. silences.OrderBy(s => s.At)] }, version);
    }

    /// <summary>False: somebody else wrote since <paramref name="version"/> was read, and nothing was written.</summary>
    public Task<bool> SaveAsync(AlertBoard before, AlertBoard after, long version, IReadOnlyList<AlertNotice> notices, IReadOnlyList<string> targets, CancellationToken cancellationToken) => database.WriteAsync(
        async (connection, transaction) =>
        {
            var changed = version == 0
                ? await connection.ExecuteAsync("insert into dr_alert_board (id, version) values (1, 1) on conflict (id) do nothing", transaction: transaction)
                : await connection.ExecuteAsync("update dr_alert_board set version = version + 1 where id = 1 and version = @Version", new { Version = version }, transaction);
            if (changed == 0)
            {
                return false;
            }

            foreach (var key in before.Alerts.Keys.Except(after.Alerts.Keys, StringComparer.Ordinal))
            {
                await connection.ExecuteAsync("delete from dr_alert where key = @Key", new { Key = key }, transaction);
            }

            foreach (var (key, alert) in after.Alerts.Where(a => !before.Alerts.TryGetValue(a.Key, out var was) || was != a.Value))
            {
                await connection.ExecuteAsync(
                    "insert into dr_alert (key, state) values (@Key, @State) on conflict (key) do update set state = excluded.state", new { Key = key, State = JsonSerializer.Serialize(alert, AlertJson.Default.AlertState) }, transaction);
            }

            if (!before.Silences.SequenceEqual(after.Silences))
            {
                await connection.ExecuteAsync("delete from dr_alert_silence", transaction: transaction);
                foreach (var silence in after.Silences)
                {
                    await connection.ExecuteAsync("insert into dr_alert_silence (id, state) values (@Id, @State)", new { silence.Id, State = JsonSerializer.Serialize(silence, AlertJson.Default.AlertSilence) }, transaction);
                }
            }

            await QueueAsync(connection, transaction, notices, targets);
            return true;
        },
        cancellationToken);

    /// <summary>Notices that are due, each claimed for this silo.</summary>
    public Task<IReadOnlyList<QueuedNotice>> ClaimAsync(int limit, CancellationToken cancellationToken) => database.WriteAsync(
        async (connection, transaction) =>
        {
            await database.LockAsync(connection, transaction, "dr.notices", cancellationToken);
            var now = time.GetUtcNow();
            var due = (await connection.QueryAsync<QueuedNotice>(
                "select id as Id, target as Target, body as Body, created_at as CreatedAt, attempts as Attempts from dr_alert_notice where done_at is null and next_at <= @Now order by created_at, id limit @Limit",
                new { Now = now.ToStore(), Limit = limit }, transaction)).ToList();
            foreach (var notice in due)
            {
                await connection.ExecuteAsync(
                    "update dr_alert_notice set next_at = @Next, attempts = attempts + 1 where id = @Id and target = @Target", new { notice.Id, notice.Target, Next = (now + ClaimFor).ToStore() }, transaction);
            }

            return (IReadOnlyList<QueuedNotice>)due;
        },
        cancellationToken);

    /// <summary>Delivered, or given up with <paramref name="error"/>; or to be tried again after a pause that doubles.</summary>
    public Task AnswerAsync(QueuedNotice notice, string? error, CancellationToken cancellationToken) => database.WriteAsync(
        (connection, transaction) =>
        {
            var now = time.GetUtcNow();
            var over = error is null || now - Clocks.FromStore(notice.CreatedAt) >= GiveUpAfter;
            var pause = TimeSpan.FromTicks(Math.Min(LongestPause.Ticks, FirstPause.Ticks << (int)Math.Min(notice.Attempts, 16)));
            return connection.ExecuteAsync(
                "update dr_alert_notice set done_at = @Done, next_at = @Next, error = @Error where id = @Id and target = @Target",
                new { notice.Id, notice.Target, Done = over ? now.ToStore() : (long?)null, Next = (now + pause).ToStore(), Error = error },
                transaction);
        },
        cancellationToken);

    /// <summary>How many notices wait and how many were given up, for the metrics.</summary>
    public async Task<(long Waiting, long GivenUp)> CountAsync(CancellationToken cancellationToken)
    {
        await using var connection = await database.OpenAsync(cancellationToken);
        return await connection.QuerySingleAsync<(long, long)>(
            "select coalesce(sum(case when done_at is null then 1 else 0 end), 0), coalesce(sum(case when done_at is not null and error is not null then 1 else 0 end), 0) from dr_alert_notice");
    }

    /// <summary>Seconds that each step of each kind of run took in 95 of 100 cases lately; only where it was done a few times.</summary>
    public async Task<IReadOnlyDictionary<string, double>> StepSecondsAsync(CancellationToken cancellationToken)
    {
        await using var connection = await database.OpenAsync(cancellationToken);
        var rows = await connection.QueryAsync<(string Kind, string Step, long From, long To)>(
            "select r.kind, s.step, s.started_at, s.finished_at from dr_run_step s join dr_run r on r.id = s.run where s.state = 'Done' and s.finished_at is not null order by s.started_at desc limit @Limit",
            new { Limit = StepsLooked });
        return rows.GroupBy(r => $"{r.Kind}/{r.Step}", r => (r.To - r.From) / 1000.0, StringComparer.Ordinal)
            .Where(g => g.Count() >= StepsNeeded)
            .ToDictionary(g => g.Key, g => g.Order().ElementAt((int)Math.Ceiling(0.95 * g.Count()) - 1), StringComparer.Ordinal);
    }

    public async Task<IReadOnlyDictionary<SystemId, DateTimeOffset>> DrilledAsync(CancellationToken cancellationToken)
    {
        await using var connection = await database.OpenAsync(cancellationToken);
        var rows = await connection.QueryAsync<(string System, long At)>("select system, max(finished_at) from dr_run where kind = 'Drill' and state = 'Done' and finished_at is not null group by system");
        return rows.ToDictionary(r => new SystemId(r.System), r => Clocks.FromStore(r.At));
    }

    private async Task QueueAsync(DbConnection connection, DbTransaction transaction, IReadOnlyList<AlertNotice> notices, IReadOnlyList<string> targets)
    {
        var now = time.GetUtcNow();
        foreach (var notice in notices)
        {
            var body = JsonSerializer.Serialize(NoticeBody.Of(notice), AlertJson.Default.NoticeBody);
            foreach (var target in targets)
            {
                await connection.ExecuteAsync(
                    "insert into dr_alert_notice (id, target, body, created_at, attempts, next_at) values (@Id, @Target, @Body, @Now, 0, @Now) on conflict (id, target) do nothing",
                    new { notice.Id, Target = target, Body = body, Now = now.ToStore() },
                    transaction);
            }
        }

        if (notices.Count > 0)
        {
            await connection.ExecuteAsync("delete from dr_alert_notice where done_at < @Floor", new { Floor = (now - Kept).ToStore() }, transaction);
        }
    }
}

/// <summary>A notice in the outbox.</summary>
internal sealed record QueuedNotice
{
    public string Id { get; init; } = "";

    public string Target { get; init; } = "";

    public string Body { get; init; } = "";

    public long CreatedAt { get; init; }

    public long Attempts { get; init; }
}

/// <summary>What receivers get. <paramref name="Id"/> is the same however often it comes.</summary>
/// <param name="Change"><c>Raised</c>, <c>Escalated</c>, <c>Eased</c>, <c>Cleared</c> or <c>Reminded</c>.</param>
/// <param name="Alert">This occurrence: the same in all its notices.</param>
internal sealed record NoticeBody(string Id, string Change, string Alert, string Kind, string Subject, string Level, string Title, string Text, DateTimeOffset RaisedAt, DateTimeOffset At, string Runbook)
{
    public static NoticeBody Of(AlertNotice notice)
    {
        var (alert, rule) = (notice.Alert, AlertRules.Of(notice.Alert.Kind));
        return new NoticeBody(
            notice.Id, notice.Kind.ToString(), alert.Id, alert.Kind.ToString(), alert.Subject, alert.GroupLevel.ToString(), rule.Title, alert.Text, alert.RaisedAt ?? notice.At, notice.At, $"deploy/runbooks/{rule.Runbook}.md");
    }
}

[JsonSourceGenerationOptions(JsonSerializerDefaults.Web, UseStringEnumConverter = true, NumberHandling = JsonNumberHandling.AllowNamedFloatingPointLiterals)]
[JsonSerializable(typeof(AlertState))]
[JsonSerializable(typeof(AlertSilence))]
[JsonSerializable(typeof(NoticeBody))]
internal sealed partial class AlertJson : JsonSerializerContext;
