using System.Collections.Concurrent;
using Dr.Contracts.Errors;
using Dr.Contracts.Ids;
using Dr.Contracts.Mqtt;
using Dr.Contracts.Mqtt.Client;

namespace Dr.EndToEnd.Tests.Cluster;

/// <summary>A device's connection to a real broker: birth, beats, acknowledgements, commands. What it says and does is its kind's.</summary>
internal abstract class FleetDevice : IAsyncDisposable
{
    private readonly CancellationTokenSource _stop = new();
    private readonly BrokerAddress _broker;
    private Task _life = Task.CompletedTask;

    protected FleetDevice(BrokerAddress broker, DeviceId id) => (_broker, Id) = (broker, id);

    public DeviceId Id { get; }

    protected abstract TimeSpan Period { get; }

    protected abstract bool IsOn { get; }

    protected CancellationToken Stopping => _stop.Token;

    public void Start() => _life = LiveAsync();

    public async ValueTask DisposeAsync()
    {
        await _stop.CancelAsync();
        await _life;
        _stop.Dispose();
    }

    protected abstract Birth Birth();

    /// <summary>Called once a period: beats and whatever is to be sent again.</summary>
    protected abstract Task TickAsync(IBrokerConnection connection);

    protected abstract Task OnAckAsync(IBrokerConnection connection, DownAck ack);

    protected abstract Task OnCommandAsync(IBrokerConnection connection, DeviceCommand command);

    protected Task SendAsync<T>(IBrokerConnection connection, string channel, T payload, System.Text.Json.Serialization.Metadata.JsonTypeInfo<T> type, bool atLeastOnce) =>
        connection.PublishAsync(OutboundMessage.Of(Topics.Up(Id, channel), payload, type, atLeastOnce), _stop.Token);

    private async Task LiveAsync()
    {
        await Task.Yield();
        while (!_stop.IsCancellationRequested)
        {
            try
            {
                await ConnectedAsync();
            }
            catch (Exception e) when (e is DrException { IsTransient: true } or OperationCanceledException)
            {
                // The broker is away or the test ends: the loop's condition tells them apart.
            }

            await Task.Delay(100, CancellationToken.None);
        }
    }

    private async Task ConnectedAsync()
    {
        await using var connection = await new BrokerConnector(TimeProvider.System).ConnectAsync(new BrokerSession { Broker = _broker, ClientId = Id.Value }, _stop.Token);
        await connection.SubscribeAsync(Topics.DownFilters(Id), _stop.Token);
        await BearAsync(connection);
        using var over = CancellationTokenSource.CreateLinkedTokenSource(_stop.Token);
        var ticking = TicksAsync(connection, over.Token);
        try
        {
            await foreach (var message in connection.Inbound.ReadAllAsync(_stop.Token))
            {
                if (!IsOn)
                {
                    // Switched off: what comes is nobody's.
                }
                else if (message.Topic == Topics.Down(Id, DownChannel.Command) && message.TryDecode(MqttJson.Default.DeviceCommand, out var command, out _))
                {
                    await OnCommandAsync(connection, command);
                }
                else if (message.Topic == Topics.Down(Id, DownChannel.Ack) && message.TryDecode(MqttJson.Default.DownAck, out var ack, out _))
                {
                    await OnAckAsync(connection, ack);
                    if (ack.BirthWanted)
                    {
                        await BearAsync(connection);
                    }
                }

                await message.AcknowledgeAsync(_stop.Token);
            }
        }
        finally
        {
            await over.CancelAsync();
            await ticking;
        }
    }

    private Task BearAsync(IBrokerConnection connection) => SendAsync(connection, UpChannel.Birth, Birth(), MqttJson.Default.Birth, atLeastOnce: true);

    private async Task TicksAsync(IBrokerConnection connection, CancellationToken cancellationToken)
    {
        try
        {
            while (true)
            {
                if (IsOn)
                {
                    await TickAsync(connection);
                }

                await Task.Delay(Period, cancellationToken);
            }
        }
        catch (Exception e) when (e is DrException { IsTransient: true } or OperationCanceledException)
        {
            // The connection is over.
        }
    }
}
