using System.Threading.Channels;
using Dr.Contracts.Mqtt.Client;
using Dr.Edge.Buffers;
using Microsoft.Extensions.Logging;

namespace Dr.Edge.Link;

/// <summary>
/// Sends the outbox over one connection. A row leaves the outbox only after the control plane's own acknowledgement; a PUBACK counts for nothing. Lanes are served in
/// order, with at most <see cref="LinkLimits.BatchesUnderWayMax"/> batches under way together.
/// </summary>
internal sealed partial class DataSender(IBrokerConnection connection, LinkOptions options, EdgeBuffer buffer, long deviceEpoch, TimeProvider time, ILogger logger)
{
    /// <summary>Acknowledgements are cumulative: when they come faster than they are handled, the oldest says least.</summary>
    private const int AcksMax = 256;

    private static readonly Lane[] InOrder = [Lane.Transactions, Lane.Status, Lane.Bulk];

    private readonly Channel<LaneAck> _acks = Channel.CreateBounded<LaneAck>(new BoundedChannelOptions(AcksMax) { FullMode = BoundedChannelFullMode.DropOldest, SingleReader = true });
    private readonly Dictionary<Lane, LaneWindow> _windows = [];
    private readonly List<Task> _publishing = [];
    private readonly HashSet<Lane> _refused = [];
    private long _movedAt;

    public void OnAck(LaneAck ack) => _acks.Writer.TryWrite(ack);

    public async Task RunAsync(CancellationToken cancellationToken)
    {
        _movedAt = time.GetTimestamp();
        try
        {
            while (true)
            {
                // Taken before looking: a row added while we look must wake us.
                var nextRow = buffer.NextRow();
                await FillAsync(cancellationToken);
                await CollectPublishedAsync();
                await WaitAsync(nextRow, cancellationToken);
                while (_acks.Reader.TryRead(out var ack))
                {
                    await TakeAsync(ack, cancellationToken);
                }

                GoBackWhenOverdue();
            }
        }
        finally
        {
            await DrainAsync();
        }
    }

    private async Task FillAsync(CancellationToken cancellationToken)
    {
        foreach (var lane in InOrder)
        {
            while (!_refused.Contains(lane) && await SendNextAsync(lane, cancellationToken))
            {
                // Until the lane has nothing more, or enough is under way.
            }
        }
    }

    private async Task<bool> SendNextAsync(Lane lane, CancellationToken cancellationToken)
    {
        var window = _windows.GetValueOrDefault(lane);
        if (window is not null && (window.UnderWay >= window.Share || _windows.Values.Sum(w => w.UnderWay) >= LinkLimits.BatchesUnderWayMax))
        {
            return false;
        }

        var content = await buffer.ReadAsync(lane, window?.Stream ?? Guid.Empty, window?.NextFirst ?? 0, cancellationToken);
        if (window is null || content.Stream != window.Stream)
        {
            // The first look, or the file was set aside and is another one now.
            _windows[lane] = new LaneWindow(content.Stream, lane, content.Range.First - 1);
            return content.Range.Count > 0;
        }

        if (content.Rows.Count == 0)
        {
            return false;
        }

        var batch = new DataBatch
        {
            DeviceEpoch = deviceEpoch,
            Stream = window.Stream,
            Lane = (int)lane,
            First = window.NextFirst,
            Rows = content.Rows,
            Oldest = content.Range.First,
        };
        if (window.UnderWay == 0)
        {
            _movedAt = time.GetTimestamp();
        }

        window.OnSent(content.Rows.Count);
        LogBatch((int)lane, batch.First, batch.Rows.Count);
        _publishing.Add(connection.PublishAsync(OutboundMessage.Of(Topics.Up(options.Device, UpChannel.Data), batch, MqttJson.Default.DataBatch, atLeastOnce: true), cancellationToken));
        return true;
    }

    private async Task WaitAsync(Task nextRow, CancellationToken cancellationToken)
    {
        using var ending = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        var ack = _acks.Reader.WaitToReadAsync(ending.Token).AsTask();
        var overdue = Task.Delay(_windows.Values.Any(w => w.UnderWay > 0) ? options.AcknowledgeTimeout / 4 : Timeout.InfiniteTimeSpan, time, ending.Token);
        await Task.WhenAny(nextRow, ack, overdue);
        await ending.CancelAsync();
        cancellationToken.ThrowIfCancellationRequested();
        try
        {
            await Task.WhenAll(ack, overdue);
        }
        catch (OperationCanceledException)
        {
            // Two of the three lost the race.
        }
    }

    private async Task TakeAsync(LaneAck ack, CancellationToken cancellationToken)
    {
        if (!Enum.IsDefined((Lane)ack.Lane) || !_windows.TryGetValue((Lane)ack.Lane, out var window))
        {
            return;
        }

        var content = await buffer.ReadAsync(window.Lane, Guid.Empty, 0, cancellationToken);
        switch (content.Stream == window.Stream ? window.OnAck(ack, content.Range.Last) : AckEffect.None)
        {
            case AckEffect.Progress:
                _movedAt = time.GetTimestamp();
                await buffer.ForgetAsync(window.Stream, window.Lane, window.Acknowledged, cancellationToken);
                break;
            case AckEffect.WentBack:
                LogWentBack((int)window.Lane, window.NextFirst);
                break;
            case AckEffect.Impossible:
                // Sending on would be dropped as known, and lost: the numbers were given out before, to other rows.
                _refused.Add(window.Lane);
                LogImpossible((int)window.Lane, ack.HighWater, content.Range.Last);
                break;
            default:
                break;
        }
    }

    private void GoBackWhenOverdue()
    {
        if (time.GetElapsedTime(_movedAt) < options.AcknowledgeTimeout)
        {
            return;
        }

        _movedAt = time.GetTimestamp();
        foreach (var window in _windows.Values.Where(w => w.UnderWay > 0))
        {
            window.GoBack();
            LogOverdue((int)window.Lane, window.NextFirst);
        }
    }

    private async Task CollectPublishedAsync()
    {
        foreach (var done in _publishing.Where(t => t.IsCompleted).ToList())
        {
            _publishing.Remove(done);
            await done;
        }
    }

    private async Task DrainAsync()
    {
        try
        {
            await Task.WhenAll(_publishing);
        }
        catch (Exception exception) when (exception is DrException or OperationCanceledException)
        {
            // The connection is over; what was under way is sent again from the outbox.
        }
    }

    [LoggerMessage(1631, LogLevel.Debug, "Lane {Lane}: sent rows from {First}, {Count} of them")]
    private partial void LogBatch(int lane, long first, int count);

    [LoggerMessage(1632, LogLevel.Information, "Lane {Lane}: the control plane misses rows; sending again from {First}")]
    private partial void LogWentBack(int lane, long first);

    [LoggerMessage(1633, LogLevel.Warning, "Lane {Lane}: no acknowledgement in time; sending again from {First}")]
    private partial void LogOverdue(int lane, long first);

    [LoggerMessage(1634, LogLevel.Error, "Lane {Lane}: the control plane has rows up to {HighWater}, this outbox gave out only {Last}: its file is an older copy of itself. The lane stops; move the file away and start again")]
    private partial void LogImpossible(int lane, long highWater, long last);
}
