using Dr.Contracts.Mqtt.Client;
using Dr.Edge.Buffers;
using Microsoft.Extensions.Logging;

namespace Dr.Edge.Link;

/// <summary>One connection: subscribes, says it is there, then beats, sends and receives until the connection ends.</summary>
internal sealed partial class LinkSession(
    IBrokerConnection connection,
    LinkOptions options,
    LinkState state,
    EdgeBuffer buffer,
    EpochMemory epochs,
    CommandService commands,
    ServerClock clock,
    BeatSender beats,
    DataSender data,
    ResultSender results,
    Guid stream,
    long deviceEpoch,
    TimeProvider time,
    ILogger logger,
    TimeSpan? unheardAfter = null)
{
    private static readonly TimeSpan BirthsApart = TimeSpan.FromSeconds(1);
    private static readonly TimeSpan ReasonWithin = TimeSpan.FromSeconds(1);

    private readonly long _previousEpoch = state.LastSessionEpoch;
    private long _bornAt;
    private long _heardAt;
    private bool _wasHeard;

    /// <summary>Somebody behind the broker acknowledged something.</summary>
    public bool WasHeard => Volatile.Read(ref _wasHeard);

    public async Task<ConnectionEnd> RunAsync(CancellationToken cancellationToken)
    {
        // Subscribed first: what the birth sets off must find us listening.
        await connection.SubscribeAsync(Topics.DownFilters(options.Device), cancellationToken);
        await SayOnlineAsync(cancellationToken);
        await SendBirthAsync(cancellationToken);
        state.LastSessionEpoch = deviceEpoch;
        state.Connected = true;
        LogConnected(deviceEpoch);
        try
        {
            await LinkTasks.FirstEndsAllAsync(cancellationToken, WatchAsync, WatchHearingAsync, ReceiveAsync, beats.RunAsync, data.RunAsync, results.RunAsync);
            return await connection.Closed;
        }
        catch (UnheardException exception)
        {
            return new ConnectionEnd(ConnectionEndKind.Unheard, exception.Message);
        }
        catch (AnotherAgentException exception)
        {
            return new ConnectionEnd(ConnectionEndKind.TakenOver, exception.Message);
        }
        catch (DrException exception) when (exception.IsTransient)
        {
            // A send that failed because the connection is over tells less than the connection's own reason.
            // It may come a moment later, and whether another client took over decides what happens next.
            var told = await Task.WhenAny(connection.Closed, Task.Delay(ReasonWithin, time, CancellationToken.None)) == connection.Closed;
            return told ? await connection.Closed : new ConnectionEnd(ConnectionEndKind.Lost, exception.Message);
        }
        finally
        {
            state.Connected = false;
        }
    }

    /// <summary>Leaves politely: the retained state says so, and the will is not sent.</summary>
    public async Task LeaveAsync(CancellationToken cancellationToken)
    {
        await connection.PublishAsync(StateMessage(options, new DeviceState { Online = false, Epoch = deviceEpoch, Left = true, BootId = state.BootId }), cancellationToken);
        await connection.DisconnectAsync(cancellationToken);
    }

    /// <summary>What the broker says of us when we are gone without a word.</summary>
    public static OutboundMessage Will(LinkOptions options, LinkState state, long deviceEpoch) =>
        StateMessage(options, new DeviceState { Online = false, Epoch = deviceEpoch, BootId = state.BootId });

    private async Task WatchAsync(CancellationToken cancellationToken) => await connection.Closed.WaitAsync(cancellationToken);

    /// <summary>A broker that the control plane does not reach takes everything and answers nothing: where there is another one, that is no place to stay.</summary>
    private async Task WatchHearingAsync(CancellationToken cancellationToken)
    {
        Interlocked.CompareExchange(ref _heardAt, time.GetTimestamp(), 0);
        while (true)
        {
            if (unheardAfter is not { } limit)
            {
                await Task.Delay(Timeout.InfiniteTimeSpan, cancellationToken);
                return;
            }

            var left = limit - time.GetElapsedTime(Interlocked.Read(ref _heardAt));
            if (left <= TimeSpan.Zero)
            {
                throw new UnheardException($"nobody acknowledged anything for {limit.TotalSeconds:0.#} s");
            }

            await Task.Delay(left, time, cancellationToken);
        }
    }

    private async Task ReceiveAsync(CancellationToken cancellationToken)
    {
        await foreach (var message in connection.Inbound.ReadAllAsync(cancellationToken))
        {
            await HandleAsync(message, cancellationToken);
            await message.AcknowledgeAsync(cancellationToken);
        }
    }

    private async Task HandleAsync(InboundMessage message, CancellationToken cancellationToken)
    {
        if (!Topics.TryParse(message.Topic, out _, out var channel))
        {
            return;
        }

        string reason;
        switch (channel)
        {
            case $"down/{DownChannel.Ack}" when message.TryDecode(MqttJson.Default.DownAck, out var ack, out reason):
                await TakeAckAsync(ack, cancellationToken);
                break;
            case $"down/{DownChannel.Command}" when message.TryDecode(MqttJson.Default.DeviceCommand, out var command, out reason):
                await commands.HandleAsync(command, cancellationToken);
                break;
            case $"down/{DownChannel.Config}" when message.TryDecode(MqttJson.Default.DeviceConfig, out var config, out reason):
                await TakeConfigAsync(config, cancellationToken);
                break;
            case StateChannel.Name when message.TryDecode(MqttJson.Default.DeviceState, out var seen, out reason):
                await TakeStateAsync(seen, cancellationToken);
                break;
            default:
                LogMalformed(message.Topic, message.Payload.Length);
                break;
        }
    }

    private async Task TakeAckAsync(DownAck ack, CancellationToken cancellationToken)
    {
        Interlocked.Exchange(ref _heardAt, time.GetTimestamp());
        Volatile.Write(ref _wasHeard, true);
        clock.OnServerTime(ack.ServerTime);
        await beats.OnAckAsync(ack, cancellationToken);
        foreach (var lane in ack.Lanes)
        {
            data.OnAck(lane);
        }

        if (ack.Results.Count > 0)
        {
            await buffer.ConfirmResultsAsync(ack.Results, cancellationToken);
        }

        if (ack.BirthWanted && ack.BootId == state.BootId && time.GetElapsedTime(_bornAt) > BirthsApart)
        {
            await SendBirthAsync(cancellationToken);
        }
    }

    private async Task TakeConfigAsync(DeviceConfig config, CancellationToken cancellationToken)
    {
        foreach (var (system, epoch) in config.Epochs)
        {
            await epochs.SeeAsync(system, epoch, cancellationToken);
        }

        if (config.Version > state.Config.Version)
        {
            await buffer.SetConfigAsync(config, cancellationToken);
            state.Config = config;
            LogConfigured(config.Version);
        }
    }

    /// <summary>A late will of an earlier connection may have overwritten the retained state: it is put right at once.</summary>
    private async Task TakeStateAsync(DeviceState seen, CancellationToken cancellationToken)
    {
        YieldToAnother(seen);
        if (seen.Epoch < deviceEpoch || (seen.Epoch == deviceEpoch && !seen.Online))
        {
            await SayOnlineAsync(cancellationToken);
        }
        else if (seen.Epoch > deviceEpoch)
        {
            // Our memory of the epoch is behind (a new or restored buffer under a clock that was set back): as long as it is, nobody listens to us.
            LogBehind(seen.Epoch, deviceEpoch);
            await buffer.RaiseDeviceEpochAsync(seen.Epoch, cancellationToken);
            throw new DrException("The device epoch was behind what the broker holds; connecting again with a higher one.", isTransient: true);
        }
    }

    /// <summary>
    /// Some brokers close a session that is taken over without a word, so two agents with one id would push each other out for ever. What gives the other
    /// away is its state, newer than our own last session. One of the two must stay: the one with the higher boot id.
    /// </summary>
    private void YieldToAnother(DeviceState seen)
    {
        if (!seen.Online || seen.BootId is not { } other || other == state.BootId || _previousEpoch == 0 || seen.Epoch <= _previousEpoch)
        {
            return;
        }

        LogAnother(other);
        if (string.CompareOrdinal(other, state.BootId) > 0)
        {
            throw new AnotherAgentException($"another agent with this id was connected in between (boot {other})");
        }
    }

    private async Task SendBirthAsync(CancellationToken cancellationToken)
    {
        _bornAt = time.GetTimestamp();
        var birth = new Birth
        {
            DeviceEpoch = deviceEpoch,
            BootId = state.BootId,
            Site = options.Site,
            Roles = options.Roles,
            Software = options.Software,
            Stream = stream,
            SentAt = time.GetUtcNow(),
            Systems = options.Systems,
        };
        await connection.PublishAsync(OutboundMessage.Of(Topics.Up(options.Device, UpChannel.Birth), birth, MqttJson.Default.Birth, atLeastOnce: true), cancellationToken);
    }

    private Task SayOnlineAsync(CancellationToken cancellationToken) => connection.PublishAsync(StateMessage(options, new DeviceState { Online = true, Epoch = deviceEpoch, BootId = state.BootId }), cancellationToken);

    private static OutboundMessage StateMessage(LinkOptions options, DeviceState state) =>
        OutboundMessage.Of(Topics.State(options.Device), state, MqttJson.Default.DeviceState, atLeastOnce: true, retain: true);

    [LoggerMessage(1641, LogLevel.Information, "Connected to the control plane's broker with device epoch {DeviceEpoch}")]
    private partial void LogConnected(long deviceEpoch);

    [LoggerMessage(1642, LogLevel.Warning, "A message on {Topic} of {Length} bytes is not what belongs there; ignored")]
    private partial void LogMalformed(string topic, int length);

    [LoggerMessage(1643, LogLevel.Information, "Configuration {Version} is in force")]
    private partial void LogConfigured(long version);

    [LoggerMessage(1645, LogLevel.Error, "Another agent uses this device's id: its boot is {OtherBoot}")]
    private partial void LogAnother(string otherBoot);

    [LoggerMessage(1644, LogLevel.Warning, "The broker holds epoch {HeldEpoch} for this device, ours is {DeviceEpoch}: raised, connecting again")]
    private partial void LogBehind(long heldEpoch, long deviceEpoch);
}

/// <summary>Nobody behind the broker hears us.</summary>
internal sealed class UnheardException(string message) : DrException(message);

/// <summary>Another agent with our device id was connected after our last session.</summary>
internal sealed class AnotherAgentException(string message) : DrException(message);
