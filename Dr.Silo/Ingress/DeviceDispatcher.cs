using System.Diagnostics;
using System.Threading.Channels;
using Dr.Contracts.Mqtt.Client;
using Microsoft.Extensions.Logging;

namespace Dr.Silo.Ingress;

/// <summary>
/// Hands messages over device by device: each device's in order, different devices beside each other, a bounded number at a time. When the grains
/// are slow, beats are dropped (the next one says more) and everything else waits, up to the broker's receive maximum.
/// </summary>
internal sealed partial class DeviceDispatcher : IAsyncDisposable
{
    private const int QueuePerShard = 128;

    /// <summary>A message that waited longer than this for its turn is late by our fault.</summary>
    private static readonly TimeSpan LateAfter = TimeSpan.FromSeconds(2);

    /// <summary>One queue behind one slow device is that device's trouble; a share of all of them is ours.</summary>
    private const double TroubledShare = 0.25;

    private readonly DeviceMessages _messages;
    private readonly Func<DeviceId, DownAck, CancellationToken, Task> _publish;
    private readonly TimeSpan _callTimeout;
    private readonly ILogger _logger;
    private readonly Channel<Item>[] _shards;
    private readonly Task[] _workers;
    private readonly CancellationTokenSource _stopping = new();
    private readonly int[] _behind;
    private long _droppedBeats;

    public DeviceDispatcher(DeviceMessages messages, Func<DeviceId, DownAck, CancellationToken, Task> publish, IngressOptions options, ILogger logger)
    {
        (_messages, _publish, _callTimeout, _logger) = (messages, publish, options.CallTimeout, logger);
        _shards = [.. Enumerable.Range(0, options.Concurrency).Select(_ => Channel.CreateBounded<Item>(
            new BoundedChannelOptions(QueuePerShard) { FullMode = BoundedChannelFullMode.Wait, SingleReader = true }))];
        _behind = new int[_shards.Length];
        _workers = [.. _shards.Select((shard, n) => WorkAsync(shard, n))];
    }

    /// <summary>Beats that found their queue full.</summary>
    public long DroppedBeats => Interlocked.Read(ref _droppedBeats);

    /// <summary>True when, since it was asked last, many queues were full or late: what was not heard then says nothing about the devices.</summary>
    public bool TakeTrouble()
    {
        var behind = 0;
        for (var n = 0; n < _behind.Length; n++)
        {
            behind += Interlocked.Exchange(ref _behind[n], 0);
        }

        return behind >= _behind.Length * TroubledShare;
    }

    /// <summary>Returns when the message has its place in the queue.</summary>
    public async ValueTask PostAsync(DeviceId device, string channel, InboundMessage message, CancellationToken cancellationToken)
    {
        var number = (uint)device.GetHashCode() % _shards.Length;
        var shard = _shards[number].Writer;
        var item = new Item(device, channel, message, Stopwatch.GetTimestamp());
        if (shard.TryWrite(item))
        {
            return;
        }

        if (channel == $"up/{UpChannel.Beat}")
        {
            Interlocked.Increment(ref _droppedBeats);
            Volatile.Write(ref _behind[number], 1);
            return;
        }

        await shard.WriteAsync(item, cancellationToken);
    }

    public async ValueTask DisposeAsync()
    {
        await _stopping.CancelAsync();
        foreach (var shard in _shards)
        {
            shard.Writer.TryComplete();
        }

        await Task.WhenAll(_workers);
        _stopping.Dispose();
    }

    private async Task WorkAsync(Channel<Item> shard, int number)
    {
        // Off the constructor's thread, so that a first message cannot run there.
        await Task.Yield();
        await foreach (var item in shard.Reader.ReadAllAsync())
        {
            if (Stopwatch.GetElapsedTime(item.PostedAt) > LateAfter)
            {
                Volatile.Write(ref _behind[number], 1);
            }

            if (!_stopping.IsCancellationRequested)
            {
                await HandleAsync(item);
            }
        }
    }

    private async Task HandleAsync(Item item)
    {
        using var deadline = CancellationTokenSource.CreateLinkedTokenSource(_stopping.Token);
        deadline.CancelAfter(_callTimeout);
        try
        {
            if (await _messages.HandleAsync(item.Device, item.Channel, item.Message, deadline.Token) is { } ack)
            {
                await _publish(item.Device, ack, deadline.Token);
            }

            await item.Message.AcknowledgeAsync(deadline.Token);
        }
        catch (OperationCanceledException) when (_stopping.IsCancellationRequested)
        {
            // Stopping: whatever was not committed is sent again to whoever serves the device next.
        }
        catch (Exception exception)
        {
            // One device's trouble must not stop the others, a broken invariant of its grain neither, which comes here as it was thrown there: who gave up would leave a share of all devices unheard, and then everybody behind a full
            // queue. Nothing was acknowledged to it, so it sends what matters again; the broker's own copy is released, or it would fill the receive maximum with messages that nobody works on.
            LogFailed(exception, item.Message.Topic);
            await ReleaseAsync(item.Message);
        }
    }

    private async Task ReleaseAsync(InboundMessage message)
    {
        try
        {
            await message.AcknowledgeAsync(CancellationToken.None);
        }
        catch (Exception exception)
        {
            LogFailed(exception, message.Topic);
        }
    }

    private readonly record struct Item(DeviceId Device, string Channel, InboundMessage Message, long PostedAt);

    [LoggerMessage(3611, LogLevel.Warning, "A message on {Topic} could not be handled; the device sends it again")]
    private partial void LogFailed(Exception exception, string topic);
}
