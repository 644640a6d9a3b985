using System.Buffers;
using System.Threading.Channels;
using Dr.Contracts.Errors;
using MQTTnet;
using MQTTnet.Exceptions;
using MQTTnet.Protocol;

namespace Dr.Contracts.Mqtt.Client;

/// <summary>
/// One MQTTnet client for one connection. Invariants: the library's receive path only copies a message into a bounded channel; a QoS 1 message is acknowledged by its
/// reader; an own probe with an own deadline runs from the start, because an open socket proves nothing; <see cref="Closed"/> completes exactly once.
/// </summary>
internal sealed class BrokerConnection : IBrokerConnection
{
    private readonly IMqttClient _client;
    private readonly BrokerSession _session;
    private readonly TimeProvider _time;
    private readonly Channel<InboundMessage> _inbound;
    private readonly TaskCompletionSource<ConnectionEnd> _closed = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private readonly CancellationTokenSource _ending = new();
    private Task _probing = Task.CompletedTask;
    private long _heardAt;
    private long _dropped;
    private int _disposed;

    public BrokerConnection(IMqttClient client, BrokerSession session, TimeProvider time)
    {
        (_client, _session, _time) = (client, session, time);
        // Full: a QoS 1 message waits on the library's delivery task, where the receive maximum bounds what can pile up; QoS 0 is dropped before it gets here.
        _inbound = Channel.CreateBounded<InboundMessage>(new BoundedChannelOptions(session.InboundCapacity) { FullMode = BoundedChannelFullMode.Wait, SingleWriter = true });
        _heardAt = time.GetTimestamp();
        client.ApplicationMessageReceivedAsync += OnReceivedAsync;
        client.DisconnectedAsync += OnDisconnectedAsync;
    }

    public Task<ConnectionEnd> Closed => _closed.Task;

    public ChannelReader<InboundMessage> Inbound => _inbound.Reader;

    public long Dropped => Interlocked.Read(ref _dropped);

    public void Start() => _probing = ProbeAsync();

    public Task SubscribeAsync(IEnumerable<string> filters, CancellationToken cancellationToken) => GuardAsync("subscribe", async token =>
    {
        var options = new MqttClientSubscribeOptions();
        foreach (var filter in filters)
        {
            options.TopicFilters.Add(new MQTTnet.Packets.MqttTopicFilter { Topic = filter, QualityOfServiceLevel = MqttQualityOfServiceLevel.AtLeastOnce });
        }

        var result = await _client.SubscribeAsync(options, token);
        if (result.Items.FirstOrDefault(i => i.ResultCode > MqttClientSubscribeResultCode.GrantedQoS2) is { } refused)
        {
            throw new DrException($"The broker {_session.Broker} refused the subscription to {refused.TopicFilter.Topic}: {refused.ResultCode}.", "Check the broker's access list.", isTransient: true);
        }
    }, cancellationToken);

    public Task UnsubscribeAsync(IEnumerable<string> filters, CancellationToken cancellationToken) => GuardAsync("unsubscribe", async token =>
    {
        var options = new MqttClientUnsubscribeOptions();
        options.TopicFilters.AddRange(filters);
        await _client.UnsubscribeAsync(options, token);
    }, cancellationToken);

    public Task PublishAsync(OutboundMessage message, CancellationToken cancellationToken) => GuardAsync("publish", async token =>
    {
        var result = await _client.PublishAsync(
            new MqttApplicationMessage
            {
                Topic = message.Topic,
                Payload = new ReadOnlySequence<byte>(message.Payload),
                ContentType = message.ContentType,
                Retain = message.Retain,
                QualityOfServiceLevel = QualityOf(message),
            },
            token);
        if (!result.IsSuccess)
        {
            throw new DrException($"The broker {_session.Broker} refused a message to {message.Topic}: {result.ReasonCode}.", "Check the broker's access list and its queue limits.", isTransient: true);
        }
    }, cancellationToken);

    public async Task DisconnectAsync(CancellationToken cancellationToken)
    {
        _closed.TrySetResult(new ConnectionEnd(ConnectionEndKind.Left, "left"));
        try
        {
            await _client.DisconnectAsync(new MqttClientDisconnectOptions(), cancellationToken).WaitAsync(_session.ProbePeriod, _time, cancellationToken);
        }
        catch (Exception exception) when (IsConnectionTrouble(exception) || exception is TimeoutException)
        {
            // It is gone anyway; all that politeness would have saved is the will.
        }
    }

    public async ValueTask DisposeAsync()
    {
        if (Interlocked.Exchange(ref _disposed, 1) != 0)
        {
            return;
        }

        End(ConnectionEndKind.Left, "closed");
        await _probing;
        // Disposing cuts the socket without a DISCONNECT: the broker keeps the will for its delay.
        _client.Dispose();
        _ending.Dispose();
    }

    internal static MqttQualityOfServiceLevel QualityOf(OutboundMessage message) =>
        message.AtLeastOnce ? MqttQualityOfServiceLevel.AtLeastOnce : MqttQualityOfServiceLevel.AtMostOnce;

    private async Task OnReceivedAsync(MqttApplicationMessageReceivedEventArgs e)
    {
        e.AutoAcknowledge = false;
        Interlocked.Exchange(ref _heardAt, _time.GetTimestamp());
        var received = e.ApplicationMessage;
        var atLeastOnce = received.QualityOfServiceLevel != MqttQualityOfServiceLevel.AtMostOnce;
        var message = new InboundMessage(
            received.Topic,
            received.Payload.ToArray(),
            received.ContentType,
            received.Retain,
            atLeastOnce ? token => AcknowledgeAsync(e, token) : null);
        if (_inbound.Writer.TryWrite(message))
        {
            return;
        }

        if (!atLeastOnce)
        {
            Interlocked.Increment(ref _dropped);
            return;
        }

        try
        {
            await _inbound.Writer.WriteAsync(message, _ending.Token);
        }
        catch (Exception exception) when (exception is OperationCanceledException or ChannelClosedException)
        {
            // The connection ended while the reader was slow; not acknowledged, so the broker delivers it again.
        }
    }

    private static ConnectionEndKind KindOf(MqttClientDisconnectReason reason) => reason switch
    {
        MqttClientDisconnectReason.SessionTakenOver => ConnectionEndKind.TakenOver,
        MqttClientDisconnectReason.NormalDisconnection or MqttClientDisconnectReason.UnspecifiedError => ConnectionEndKind.Lost,
        _ => ConnectionEndKind.Dismissed,
    };

    private static async Task AcknowledgeAsync(MqttApplicationMessageReceivedEventArgs e, CancellationToken cancellationToken)
    {
        try
        {
            await e.AcknowledgeAsync(cancellationToken);
        }
        catch (Exception exception) when (IsConnectionTrouble(exception))
        {
            // Delivered again on the next connection; every receiver drops repeats.
        }
    }

    private Task OnDisconnectedAsync(MqttClientDisconnectedEventArgs e)
    {
        End(KindOf(e.Reason), e.ReasonString ?? e.Exception?.GetBaseException().Message ?? e.Reason.ToString());
        return Task.CompletedTask;
    }

    /// <summary>A ping with a deadline of its own whenever nothing was heard for a period.</summary>
    private async Task ProbeAsync()
    {
        using var timer = new PeriodicTimer(_session.ProbePeriod, _time);
        try
        {
            while (await timer.WaitForNextTickAsync(_ending.Token))
            {
                if (_time.GetElapsedTime(Interlocked.Read(ref _heardAt)) < _session.ProbePeriod)
                {
                    continue;
                }

                await _client.PingAsync(_ending.Token).WaitAsync(_session.ProbePeriod, _time, _ending.Token);
                Interlocked.Exchange(ref _heardAt, _time.GetTimestamp());
            }
        }
        catch (OperationCanceledException) when (_ending.IsCancellationRequested)
        {
            // The connection is over for another reason.
        }
        catch (Exception exception) when (exception is TimeoutException or MqttCommunicationTimedOutException)
        {
            End(ConnectionEndKind.HalfOpen, $"no answer to a probe within {_session.ProbePeriod.TotalSeconds:0.#} s");
        }
        catch (Exception exception)
        {
            // Whatever it is: a connection that nobody probes any more could be half open for good.
            End(ConnectionEndKind.Lost, exception.Message);
        }
    }

    private void End(ConnectionEndKind kind, string detail)
    {
        _closed.TrySetResult(new ConnectionEnd(kind, detail));
        _inbound.Writer.TryComplete();
        try
        {
            _ending.Cancel();
        }
        catch (ObjectDisposedException)
        {
            // Disposed twice over: the library reports the end of a connection that we had already put away.
        }
    }

    private async Task GuardAsync(string what, Func<CancellationToken, Task> action, CancellationToken cancellationToken)
    {
        // Not through a linked source per call: this is on the path of every message.
        if (_closed.Task.IsCompleted)
        {
            throw Gone(what, null);
        }

        try
        {
            var work = action(cancellationToken);
            if (!work.IsCompleted && await Task.WhenAny(work, _closed.Task) != work)
            {
                // The library's own time-out may be long after the end; its late exception is observed here and means nothing more.
                _ = work.ContinueWith(static t => _ = t.Exception, CancellationToken.None, TaskContinuationOptions.OnlyOnFaulted, TaskScheduler.Default);
                throw Gone(what, null);
            }

            await work;
        }
        catch (MqttClientUnexpectedDisconnectReceivedException exception)
        {
            // A waiting call hears of the broker's dismissal before the library reports the end: the reason must not get lost.
            End(KindOf((MqttClientDisconnectReason)exception.ReasonCode!), exception.ReasonString ?? exception.ReasonCode.ToString()!);
            throw Gone(what, exception);
        }
        catch (Exception exception) when (IsConnectionTrouble(exception))
        {
            // The library may report its own time-out to one who has stopped waiting.
            cancellationToken.ThrowIfCancellationRequested();
            throw Gone(what, exception);
        }
    }

    private DrException Gone(string what, Exception? inner) =>
        new($"Could not {what} at the broker {_session.Broker}: the connection is over.", inner: inner, isTransient: true);

    /// <summary>
    /// A <see cref="NullReferenceException"/> is how MQTTnet 5 says that the connection ended under a call: its client takes its channel away without looking who is about to write to it
    /// (https://github.com/dotnet/MQTTnet/issues/1792).
    /// </summary>
    private static bool IsConnectionTrouble(Exception exception) => exception
        is MqttCommunicationException or MqttCommunicationTimedOutException or MqttClientNotConnectedException or MqttClientDisconnectedException or MqttClientUnexpectedDisconnectReceivedException or MqttProtocolViolationException
        or OperationCanceledException or ObjectDisposedException or IOException or System.Net.Sockets.SocketException or InvalidOperationException or NullReferenceException;
}
