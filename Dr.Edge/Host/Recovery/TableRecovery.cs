using Dr.Edge.Cli;
using Dr.Edge.Host.Components;
using Dr.Edge.Host.Processes;
using Dr.Edge.Volumes;
using Microsoft.Extensions.Logging;

namespace Dr.Edge.Host.Recovery;

/// <summary>
/// Tables as they were at a point, brought into the database in use: the point is opened as a clone, the database started on it, the tables exported, imported beside those in use, compared, and put in their place if that
/// was asked for. Whatever ends it early, nothing of it is left; what it did can be undone later.
/// </summary>
internal sealed partial class TableRecovery(HostedSystems systems, VolumeSet volumes, TimeProvider time, ILogger<TableRecovery> logger) : IDisposable
{
    private readonly SemaphoreSlim _turn = new(1, 1); // One at a time: each takes memory and disk beside the system in use.

    public IReadOnlyList<RecoveryRecord> List(HostedSystemSession session) => Journal(session).All();

    /// <summary>Something of it is still there that the next start of the agent has to clean up.</summary>
    public static bool IsUnfinished(RecoveryRecord record) => record.State == RecoveryState.Running || record.CloneOpen;

    /// <summary>Tables that are there now, of the database in use.</summary>
    public static async Task<IReadOnlyList<string>> TablesAsync(HostedSystemSession session, string? component, string? database, CancellationToken cancellationToken)
    {
        var original = Database(session, component);
        var tools = RecoveryTools.Of(original);
        return await tools.TablesAsync(original, await DatabaseNameAsync(tools, original, database, cancellationToken), cancellationToken);
    }

    /// <exception cref="DrException">It could not be done; nothing of it is left, or the message says what.</exception>
    public async Task<RecoveryRecord> RecoverAsync(HostedSystemSession session, RecoveryRequest request, Action<ControlProgress> progress, CancellationToken cancellationToken)
    {
        if (request.Tables.Count == 0 && !request.All)
        {
            throw new DrException("No table is named.", "Name one or more with --table, or say --all-tables.");
        }

        if (request is { All: true, Replace: true })
        {
            throw new DrException("All tables cannot be replaced at once.", "To go back as a whole, restore the volume or start the system on a clone; or name the tables.");
        }

        CloneStand.RequireMountable(session.System);
        await _turn.WaitAsync(cancellationToken);
        try
        {
            var original = Database(session, request.Component);
            var tools = RecoveryTools.Of(original);
            var database = await DatabaseNameAsync(tools, original, request.Database, cancellationToken);
            var record = NewRecord(session, request, original, database);
            var log = new StepLog(step => progress(new ControlProgress { Step = step }), time);
            return await RunAsync(session, request, record, original, tools, log, progress, cancellationToken);
        }
        finally
        {
            _turn.Release();
        }
    }

    /// <summary>Puts back what a recovery changed.</summary>
    public async Task<RecoveryRecord> UndoAsync(HostedSystemSession session, string id, Action<ControlProgress> progress, CancellationToken cancellationToken)
    {
        await _turn.WaitAsync(cancellationToken);
        try
        {
            var record = Journal(session).Find(id) ?? throw new DrException($"System {session.System.Id} has no recovery {id}.", $"'dr-edge table list {session.System.Id}' shows those it has.");
            if (record.State != RecoveryState.Done)
            {
                throw new DrException($"Recovery {id} is {Words(record.State)}; there is nothing to undo.");
            }

            var original = Database(session, record.Component);
            var tools = RecoveryTools.Of(original);
            var log = new StepLog(step => progress(new ControlProgress { Step = step }), time);
            if (record.Replaces)
            {
                await log.RunAsync("put the rows back that were there before", async () =>
                {
                    await tools.ReplaceAsync(original, record.Database, record.Before, null, [.. record.Tables.Select(t => t.Name)], cancellationToken);
                    return null;
                });
            }

            await log.RunAsync("take the recovered tables away", async () =>
            {
                await tools.DropAsync(original, record.Database, [record.Recovered, record.Before], cancellationToken);
                return null;
            });
            return Keep(session, record with { State = RecoveryState.Undone, FinishedAt = time.GetUtcNow() });
        }
        finally
        {
            _turn.Release();
        }
    }

    public void Dispose() => _turn.Dispose();

    /// <summary>After a start of the agent: takes back what was under way when it ended, and closes the clone of what was done.</summary>
    public async Task CleanUpAsync(HostedSystemSession session, CancellationToken cancellationToken)
    {
        await _turn.WaitAsync(cancellationToken);
        try
        {
            foreach (var record in Journal(session).All().Where(IsUnfinished))
            {
                var original = Database(session, record.Component);
                var stand = Stand(session, original, record);
                if (record.State == RecoveryState.Running)
                {
                    await TakeBackAsync(session, record, stand, original, RecoveryTools.Of(original), "the agent ended while it was under way");
                    LogCleanedUp(session.System.Id, record.Id);
                }
                else
                {
                    await CloseAsync(stand, record);
                    Keep(session, record with { CloneOpen = false });
                    LogClosed(session.System.Id, record.Id);
                }
            }
        }
        finally
        {
            _turn.Release();
        }
    }

    private async Task<RecoveryRecord> RunAsync(
        HostedSystemSession session, RecoveryRequest request, RecoveryRecord record, IComponentDriver original, IRecoveryTools tools, StepLog log, Action<ControlProgress> progress, CancellationToken cancellationToken)
    {
        Keep(session, record);
        var stand = Stand(session, original, record);
        try
        {
            if (record.OwnsClone)
            {
                await log.RunAsync("make clone", () => Task.FromResult<string?>(MakeClone(session, record)));
            }

            await stand.OpenAsync(log, cancellationToken);
            IReadOnlyList<TableContent> then = [];
            await log.RunAsync("look at the tables", async () =>
            {
                var tables = request.All ? await tools.TablesAsync(stand.Driver, record.Database, cancellationToken) : request.Tables;
                then = await tools.IsolateAsync(stand.Driver, record.Database, tables, record.Recovered, cancellationToken);
                return $"{then.Sum(t => t.Rows)} rows, {Quantities.FormatSize(then.Sum(t => t.Bytes))}";
            });
            record = Keep(session, record with { Tables = [.. then.Select(t => new RecoveredTable(t.Name, t.Rows, t.Bytes))] });
            await log.RunAsync("export and import", async () =>
            {
                var total = then.Sum(t => t.Bytes);
                await tools.CreateSchemaAsync(original, record.Database, record.Recovered, cancellationToken);
                var passed = await ProgramPipe.RunAsync(
                    tools.Dump(stand.Driver, record.Database, record.Recovered), tools.Load(original, record.Database, record.Recovered), "The import",
                    bytes => progress(new ControlProgress { Step = "export and import …", DoneBytes = bytes, TotalBytes = Math.Max(total, bytes) }), cancellationToken);
                return Quantities.FormatSize(passed);
            });
            await log.RunAsync("compare", () => CompareAsync(tools, original, record, then, cancellationToken));
            if (record.Replaces)
            {
                await log.RunAsync("put them in place of the rows in use", async () =>
                {
                    var before = await tools.ReplaceAsync(original, record.Database, record.Recovered, record.Before, [.. then.Select(t => t.Name)], cancellationToken);
                    record = record with { Tables = [.. record.Tables.Zip(before, (t, rows) => t with { RowsBefore = rows })] };
                    return $"rows before: {string.Join(", ", before)}";
                });
            }

            // From here on it is done: what is left is only the clone.
            record = Keep(session, record with { State = RecoveryState.Done, FinishedAt = time.GetUtcNow() });
            await log.RunAsync("take the clone away", async () =>
            {
                await CloseAsync(stand, record);
                record = Keep(session, record with { CloneOpen = false });
                return null;
            });
            return record;
        }
        catch (Exception exception) when (exception is DrException or OperationCanceledException && record.State == RecoveryState.Running)
        {
            await TakeBackAsync(session, record, stand, original, tools, exception is OperationCanceledException ? "cancelled" : exception.Message);
            throw;
        }
    }

    private static async Task<string?> CompareAsync(IRecoveryTools tools, IComponentDriver original, RecoveryRecord record, IReadOnlyList<TableContent> then, CancellationToken cancellationToken)
    {
        foreach (var table in then)
        {
            var now = await tools.MeasureAsync(original, record.Database, record.Recovered, table.Name, cancellationToken);
            if (now.Rows != table.Rows || now.Digest != table.Digest)
            {
                throw new DrException($"{table.Name} did not arrive as it was: {now.Rows} of {table.Rows} rows.", "Do the two servers differ in version, or is there an event trigger? See their logs.");
            }
        }

        return "every row equal";
    }

    private async Task TakeBackAsync(HostedSystemSession session, RecoveryRecord record, CloneStand stand, IComponentDriver original, IRecoveryTools tools, string reason)
    {
        try
        {
            await CloseAsync(stand, record);
            if (record.Replaces && await tools.IsReplacedAsync(original, record.Database, record.Before, CancellationToken.None))
            {
                // The end came between the commit and the note of it. The rows of before are nowhere else: it is done, and can be undone.
                Keep(session, record with { State = RecoveryState.Done, CloneOpen = false, FinishedAt = time.GetUtcNow() });
                return;
            }

            await tools.DropAsync(original, record.Database, [record.Recovered, record.Before], CancellationToken.None);
            Keep(session, record with { State = RecoveryState.TakenBack, CloneOpen = false, Reason = reason, FinishedAt = time.GetUtcNow() });
        }
        catch (DrException exception)
        {
            LogLeft(session.System.Id, record.Id, exception.Message); // It stays as running: the next start of the agent tries again.
        }
    }

    private async Task CloseAsync(CloneStand stand, RecoveryRecord record)
    {
        await stand.CloseAsync();
        if (record.OwnsClone)
        {
            await CloneStand.DeleteCloneAsync(volumes, record.CloneName, time);
        }
    }

    private string? MakeClone(HostedSystemSession session, RecoveryRecord record)
    {
        var volume = volumes.Find(session.CurrentVolume ?? "") ?? throw new DrException(
            $"Volume {session.CurrentVolume} is not on this machine's appliance, so no clone of it can be made from here.", "Make one on the appliance ('dr-edge clone create VOLUME --at POINT --name CLONE') and name it with --clone.");
        var (point, at) = PositionText.Resolve(volume, record.At, time.GetUtcNow());
        var clone = point is { } id ? volumes.CreateClone(volume, id, record.CloneName) : volumes.CreateClone(volume, at, record.CloneName);
        return $"{clone.Name}, as of {at:yyyy-MM-dd HH:mm:ss}Z";
    }

    private RecoveryRecord NewRecord(HostedSystemSession session, RecoveryRequest request, IComponentDriver original, string database)
    {
        if (request.At is null == request.CloneName is null)
        {
            throw new DrException("From when?", "Give a point or a time with --at, or a clone that is there with --clone.");
        }

        var now = time.GetUtcNow();
        string id;
        do
        {
            id = now.UtcDateTime.ToString("yyyyMMddHHmmss", CultureInfo.InvariantCulture);
            now += TimeSpan.FromSeconds(1);
        }
        while (Journal(session).Find(id) is not null);
        return new RecoveryRecord
        {
            Id = id, System = session.System.Id, Component = original.Options.Name, Database = database, At = request.At ?? request.CloneName!, CloneName = request.CloneName ?? $"{session.System.Id}-recovery-{id}",
            OwnsClone = request.CloneName is null, Replaces = request.Replace, State = RecoveryState.Running, CloneOpen = true, StartedAt = time.GetUtcNow(),
        };
    }

    private CloneStand Stand(HostedSystemSession session, IComponentDriver original, RecoveryRecord record) => new(
        session.System, original.Options, record.CloneName, Path.Combine(Folder(session), record.Id), Path.Combine(session.System.CloneMounts, $"{session.System.Id}-{record.Id}"), session.NbdAddress, isForChecks: false, time);

    private static async Task<string> DatabaseNameAsync(IRecoveryTools tools, IComponentDriver original, string? asked, CancellationToken cancellationToken)
    {
        var all = await tools.DatabasesAsync(original, cancellationToken);
        return asked is not null ? (all.Contains(asked) || asked == "postgres" ? asked : throw new DrException($"There is no database {asked}.", $"There is: {string.Join(", ", all)}."))
            : all.Count == 1 ? all[0]
            : throw new DrException($"{original.Options.Name} has {all.Count} databases.", all.Count == 0 ? null : $"Say which with --database: {string.Join(", ", all)}.");
    }

    /// <summary>The database of a system that tables are recovered into.</summary>
    internal static IComponentDriver Database(HostedSystemSession session, string? component)
    {
        var databases = session.Drivers.Where(d => d.Options.IsDatabase).ToList();
        if (session.System.Mount is null || databases.Count == 0)
        {
            throw new DrException($"System {session.System.Id} has no database on a protected volume.", "It has to have a volume, a mount, and a component of kind postgresql or mariadb.");
        }

        return component is not null ? databases.FirstOrDefault(d => d.Options.Name == component) ?? throw new DrException($"{component} is no database of system {session.System.Id}.", $"There is: {string.Join(", ", databases.Select(d => d.Options.Name))}.")
            : databases.Count == 1 ? databases[0]
            : throw new DrException($"System {session.System.Id} has {databases.Count} databases.", $"Say which with --component: {string.Join(", ", databases.Select(d => d.Options.Name))}.");
    }

    private RecoveryRecord Keep(HostedSystemSession session, RecoveryRecord record)
    {
        Journal(session).Write(record);
        return record;
    }

    private RecoveryJournal Journal(HostedSystemSession session) => new(Folder(session));

    private string Folder(HostedSystemSession session) => Path.Combine(systems.PathsOf(session.System).Root, "recovery");

    private static string Words(RecoveryState state) => state switch
    {
        RecoveryState.Running => "under way",
        RecoveryState.TakenBack => "taken back already",
        RecoveryState.Undone => "undone already",
        _ => "done",
    };

    [LoggerMessage(1435, LogLevel.Warning, "System {System}: recovery {Id} was cut off when the agent ended, and is taken back")]
    private partial void LogCleanedUp(string system, string id);

    [LoggerMessage(1437, LogLevel.Warning, "System {System}: recovery {Id} was done when the agent ended; its clone is taken away")]
    private partial void LogClosed(string system, string id);

    [LoggerMessage(1436, LogLevel.Error, "System {System}: recovery {Id} could not be taken back: {Reason}")]
    private partial void LogLeft(string system, string id, string reason);
}
