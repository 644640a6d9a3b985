using System.Text.Json;
using Dr.Edge.Cli;
using Dr.Edge.Volumes;
using Microsoft.Extensions.Logging;

namespace Dr.Edge.Host.Recovery;

/// <summary>
/// Refreshes a point: opens it as a clone, lets the file system and the database go through their own recovery, has them check themselves, stops the database in order. The result is kept for the point, and the clone too when
/// that was asked for. The system in use is not touched.
/// </summary>
internal sealed partial class PointRefresh(HostedSystems systems, VolumeSet volumes, TimeProvider time, ILogger<PointRefresh> logger) : IDisposable
{
    private readonly SemaphoreSlim _turn = new(1, 1);

    public IReadOnlyList<RefreshRecord> List(HostedSystemSession session) => Directory.Exists(Folder(session))
        ? [.. Directory.EnumerateFiles(Folder(session), "*.json").Order(StringComparer.Ordinal).Select(Read)]
        : [];

    /// <param name="keep">The name under which the clone stays; null = it goes.</param>
    public async Task<RefreshRecord> RefreshAsync(HostedSystemSession session, string at, string? keep, Action<ControlProgress> progress, CancellationToken cancellationToken)
    {
        CloneStand.RequireMountable(session.System);
        var volume = volumes.Find(session.CurrentVolume ?? "") ?? throw new DrException($"Volume {session.CurrentVolume} is not on this machine's appliance.", "Refresh the point on the appliance that has it, with a host role that knows the system.");
        var driver = TableRecovery.Database(session, null);
        await _turn.WaitAsync(cancellationToken);
        try
        {
            var (point, moment) = PositionText.Resolve(volume, at, time.GetUtcNow());
            var now = time.GetUtcNow();
            var record = new RefreshRecord
            {
                At = point?.Value ?? moment.ToString("O", CultureInfo.InvariantCulture), Volume = volume.Name, CloneName = keep ?? $"{session.System.Id}-refresh-{now:yyyyMMddHHmmss}", StartedAt = now, IsKept = keep is not null,
            };
            Write(session, record);
            var log = new StepLog(step => progress(new ControlProgress { Step = step }), time);
            var stand = Stand(session, record);
            try
            {
                await log.RunAsync("make clone", () => Task.FromResult<string?>((point is { } id ? volumes.CreateClone(volume, id, record.CloneName) : volumes.CreateClone(volume, moment, record.CloneName)).Name));
                await stand.OpenAsync(log, cancellationToken);
                var tools = RecoveryTools.Of(stand.Driver);
                await log.RunAsync("check the database", async () => await tools.CheckAsync(stand.Driver, cancellationToken));
                await log.RunAsync("stop the database", async () =>
                {
                    await stand.StopDatabaseAsync(cancellationToken);
                    return null;
                });
                await log.RunAsync("check the stopped database", async () => await tools.CheckStoppedAsync(stand.Driver, cancellationToken) ?? "nothing to check");
                record = record with { IsSound = true };
            }
            catch (DrException exception)
            {
                record = record with { IsSound = false, Reason = exception.Message, IsKept = false };
            }
            catch (OperationCanceledException)
            {
                await CloseAsync(stand, record with { IsKept = false });
                File.Delete(PathOf(session, record));
                throw;
            }

            await CloseAsync(stand, record);
            record = record with { Steps = log.Steps, FinishedAt = time.GetUtcNow() };
            Write(session, record);
            if (record.IsSound is false)
            {
                LogUnsound(session.System.Id, record.At, record.Reason!);
            }

            return record;
        }
        finally
        {
            _turn.Release();
        }
    }

    public void Dispose() => _turn.Dispose();

    public async Task CleanUpAsync(HostedSystemSession session, CancellationToken cancellationToken)
    {
        await _turn.WaitAsync(cancellationToken);
        try
        {
            foreach (var record in List(session).Where(r => r.IsSound is null))
            {
                await CloseAsync(Stand(session, record), record with { IsKept = false });
                File.Delete(PathOf(session, record));
            }
        }
        finally
        {
            _turn.Release();
        }
    }

    private async Task CloseAsync(CloneStand stand, RefreshRecord record)
    {
        await stand.CloseAsync();
        if (volumes.Find(record.CloneName) is not { Origin: not null } clone)
        {
            return;
        }

        if (record.IsKept)
        {
            clone.CreatePoint("refreshed", PointConsistency.Application, $"recovered and checked from {record.At} of {record.Volume}");
        }
        else
        {
            await CloneStand.DeleteCloneAsync(volumes, record.CloneName, time);
        }
    }

    private CloneStand Stand(HostedSystemSession session, RefreshRecord record)
    {
        var id = record.StartedAt.UtcDateTime.ToString("yyyyMMddHHmmss", CultureInfo.InvariantCulture);
        return new CloneStand(
            session.System, TableRecovery.Database(session, null).Options, record.CloneName, Path.Combine(Folder(session), id), Path.Combine(session.System.CloneMounts, $"{session.System.Id}-refresh-{id}"), session.NbdAddress, isForChecks: true, time);
    }

    private string Folder(HostedSystemSession session) => Path.Combine(systems.PathsOf(session.System).Root, "refreshed");

    private string PathOf(HostedSystemSession session, RefreshRecord record) =>
        Path.Combine(Folder(session), record.StartedAt.UtcDateTime.ToString("yyyyMMddHHmmssfff", CultureInfo.InvariantCulture) + ".json");

    private void Write(HostedSystemSession session, RefreshRecord record)
    {
        Directory.CreateDirectory(Folder(session));
        var path = PathOf(session, record);
        using (var file = new FileStream(path + ".new", FileMode.Create, FileAccess.Write))
        {
            JsonSerializer.Serialize(file, record, ControlJson.Readable);
            file.Flush(flushToDisk: true);
        }

        File.Move(path + ".new", path, overwrite: true);
    }

    private static RefreshRecord Read(string path) => JsonSerializer.Deserialize<RefreshRecord>(File.ReadAllText(path), ControlJson.Readable)!;

    [LoggerMessage(1434, LogLevel.Error, "System {System}: point {Point} is not sound: {Reason}")]
    private partial void LogUnsound(string system, string point, string reason);
}
