using System.Text.Json;
using Dr.Edge.Link;
using Microsoft.Extensions.Logging;

namespace Dr.Edge.Buffers;

/// <summary>
/// Everything the edge keeps for its link, in two files: one for transactions, status and the link's own memory, one for bulk. What a method returns is on disk.
/// </summary>
internal sealed class EdgeBuffer : IOutbox, IAsyncDisposable
{
    private const string ConfigName = "config";
    private static readonly TimeSpan PruneEvery = TimeSpan.FromHours(1);

    private readonly BufferOptions _options;
    private readonly TimeProvider _time;
    private readonly BufferFile _main;
    private readonly BufferFile _bulk;
    private readonly string _bootId;
    private readonly long _startTimestamp;
    private TaskCompletionSource _changed = NewSignal();
    private TaskCompletionSource _roomMade = NewSignal();
    private readonly long[] _waiting = new long[Enum.GetValues<Lane>().Length]; // Rows of each lane, written on its file's own turn.
    private long _prunedAt;

    public EdgeBuffer(BufferOptions options, string bootId, TimeProvider time, ILogger<EdgeBuffer> logger)
    {
        (_options, _bootId, _time) = (options, bootId, time);
        _startTimestamp = time.GetTimestamp();
        _prunedAt = _startTimestamp;
        _main = new BufferFile(Path.Combine(options.Directory, "transactions.db"), options.TransactionBytesMax, time, logger);
        _bulk = new BufferFile(Path.Combine(options.Directory, "bulk.db"), options.BulkBytesMax, time, logger);
    }

    /// <summary>Files that were found damaged at this start.</summary>
    public IReadOnlyList<(string File, string Reason)> SetAside => [.. _main.SetAside, .. _bulk.SetAside];

    /// <summary>Rows of all lanes that the control plane has not confirmed yet.</summary>
    public long Waiting => Enum.GetValues<Lane>().Sum(lane => Volatile.Read(ref _waiting[(int)lane]));

    /// <summary>Waits until both files are open and checked; reports a damaged one as an alarm of its own.</summary>
    public async Task OpenAsync(CancellationToken cancellationToken)
    {
        await Task.WhenAll(_main.Opened, _bulk.Opened).WaitAsync(cancellationToken);
        foreach (var lane in Enum.GetValues<Lane>())
        {
            await FileOf(lane).DoAsync(t => Count(t, lane), cancellationToken);
        }

        foreach (var (file, reason) in SetAside)
        {
            var body = JsonSerializer.Serialize(new Dictionary<string, string>(StringComparer.Ordinal) { ["file"] = file, ["reason"] = reason }, BufferJson.Default.DictionaryStringString);
            await AddAsync(Lane.Status, new DataRow { Kind = "buffer.damaged", Key = file, At = _time.GetUtcNow(), Body = body }, cancellationToken);
        }
    }

    public async Task<OutboxReceipt> AddAsync(Lane lane, DataRow row, CancellationToken cancellationToken)
    {
        while (true)
        {
            // Taken before the attempt: room that is made in between must not be missed.
            var room = Volatile.Read(ref _roomMade).Task;
            var monotonicMs = (long)_time.GetElapsedTime(_startTimestamp).TotalMilliseconds;
            var nowMs = _time.GetUtcNow().ToUnixTimeMilliseconds();
            var (verdict, receipt) = await FileOf(lane).DoAsync(
                t =>
                {
                    var added = t.Outbox.Add(lane, row, _bootId, monotonicMs, nowMs);
                    Count(t, lane);
                    return added;
                },
                cancellationToken);
            switch (verdict)
            {
                case QuotaVerdict.Wait:
                    await room.WaitAsync(cancellationToken);
                    break;
                case QuotaVerdict.Refuse:
                    throw OutboxRow.SizeOf(row) > OutboxQuota.RowBytesMax
                        ? new DrException($"The row is longer than {OutboxQuota.RowBytesMax} bytes.", "Send it in parts.")
                        : new DrException("The outbox is full; nothing was stored.", "It drains when the control plane is reached again; check the link.", isTransient: true);
                default:
                    Signal(ref _changed);
                    return receipt;
            }
        }
    }

    /// <summary>Completes at the next added row after the call.</summary>
    public Task NextRow() => Volatile.Read(ref _changed).Task;

    /// <summary>The stream of a lane, what it holds, and its rows from <paramref name="first"/> on, as many as fit a batch; no rows when the stream is another than <paramref name="stream"/>.</summary>
    public Task<LaneContent> ReadAsync(Lane lane, Guid stream, long first, CancellationToken cancellationToken) =>
        FileOf(lane).DoAsync(
            t => new LaneContent(t.Meta.Stream, t.Outbox.Range(lane), t.Meta.Stream == stream ? t.Outbox.Read(lane, first) : []),
            cancellationToken);

    /// <summary>The stream of the transactions.</summary>
    public Task<Guid> StreamAsync(CancellationToken cancellationToken) => _main.DoAsync(t => t.Meta.Stream, cancellationToken);

    /// <summary>Removes the rows that the control plane has committed, unless the file is meanwhile another stream.</summary>
    public async Task ForgetAsync(Guid stream, Lane lane, long through, CancellationToken cancellationToken)
    {
        var now = _time.GetUtcNow();
        var prune = _time.GetElapsedTime(_prunedAt) > PruneEvery;
        await FileOf(lane).DoAsync(
            t =>
            {
                if (t.Meta.Stream == stream)
                {
                    t.Outbox.Forget(lane, through);
                    Count(t, lane);
                }

                if (prune)
                {
                    t.Outbox.PruneKeys((now - _options.KeepKeys).ToUnixTimeMilliseconds());
                    t.Inbox.Prune((now - _options.KeepResults).ToUnixTimeMilliseconds());
                }

                return true;
            },
            cancellationToken);
        _prunedAt = prune ? _time.GetTimestamp() : _prunedAt;
        Signal(ref _roomMade);
    }

    /// <summary>The epoch for the next connect; committed when this returns.</summary>
    public Task<long> NextDeviceEpochAsync(CancellationToken cancellationToken) =>
        _main.DoAsync(t => t.Meta.NextDeviceEpoch(_time.GetUtcNow().ToUnixTimeMilliseconds()), cancellationToken);

    /// <summary>The next epoch will be above <paramref name="seen"/>.</summary>
    public Task RaiseDeviceEpochAsync(long seen, CancellationToken cancellationToken) => _main.DoAsync(t => t.Meta.NextDeviceEpoch(seen), cancellationToken);

    public Task<InboxEntry?> FindCommandAsync(CommandId id, CancellationToken cancellationToken) => _main.DoAsync(t => t.Inbox.Find(id), cancellationToken);

    public Task AcceptCommandAsync(CommandId id, CancellationToken cancellationToken)
    {
        var nowMs = _time.GetUtcNow().ToUnixTimeMilliseconds();
        return _main.DoAsync(t => { t.Inbox.Accept(id, nowMs); return true; }, cancellationToken);
    }

    public Task FinishCommandAsync(CommandResult result, CancellationToken cancellationToken)
    {
        var json = JsonSerializer.Serialize(result, MqttJson.Default.CommandResult);
        var nowMs = _time.GetUtcNow().ToUnixTimeMilliseconds();
        return _main.DoAsync(t => { t.Inbox.Finish(result.Id, json, nowMs); return true; }, cancellationToken);
    }

    public Task ConfirmResultsAsync(IReadOnlyList<CommandId> ids, CancellationToken cancellationToken) =>
        _main.DoAsync(
            t =>
            {
                foreach (var id in ids)
                {
                    t.Inbox.Confirm(id);
                }

                return true;
            },
            cancellationToken);

    public async Task<IReadOnlyList<CommandResult>> UnconfirmedResultsAsync(CancellationToken cancellationToken)
    {
        var entries = await _main.DoAsync(t => t.Inbox.Unconfirmed(), cancellationToken);
        return [.. entries.Select(e => ResultOf(e)!)];
    }

    public static CommandResult? ResultOf(InboxEntry entry) => entry.ResultJson is null ? null : JsonSerializer.Deserialize(entry.ResultJson, MqttJson.Default.CommandResult);

    public Task<IReadOnlyDictionary<SystemId, Epoch>> SeenEpochsAsync(CancellationToken cancellationToken) => _main.DoAsync(t => t.Meta.SeenEpochs(), cancellationToken);

    public Task SetSeenEpochAsync(SystemId system, Epoch epoch, CancellationToken cancellationToken) =>
        _main.DoAsync(t => { t.Meta.SetSeenEpoch(system, epoch); return true; }, cancellationToken);

    public async Task<DeviceConfig?> ConfigAsync(CancellationToken cancellationToken) =>
        await _main.DoAsync(t => t.Meta.Text(ConfigName), cancellationToken) is { } json ? JsonSerializer.Deserialize(json, MqttJson.Default.DeviceConfig) : null;

    public Task SetConfigAsync(DeviceConfig config, CancellationToken cancellationToken)
    {
        var json = JsonSerializer.Serialize(config, MqttJson.Default.DeviceConfig);
        return _main.DoAsync(t => { t.Meta.SetText(ConfigName, json); return true; }, cancellationToken);
    }

    public async ValueTask DisposeAsync()
    {
        await _main.DisposeAsync();
        await _bulk.DisposeAsync();
    }

    private bool Count(BufferTables tables, Lane lane)
    {
        Volatile.Write(ref _waiting[(int)lane], tables.Outbox.Range(lane).Count);
        return true;
    }

    private BufferFile FileOf(Lane lane) => lane == Lane.Bulk ? _bulk : _main;

    private static TaskCompletionSource NewSignal() => new(TaskCreationOptions.RunContinuationsAsynchronously);

    private static void Signal(ref TaskCompletionSource signal) => Interlocked.Exchange(ref signal, NewSignal()).TrySetResult();
}

/// <summary>A lane as it was when it was read.</summary>
internal sealed record LaneContent(Guid Stream, LaneRange Range, IReadOnlyList<DataRow> Rows);
