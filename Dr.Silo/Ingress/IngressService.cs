using System.Collections.Concurrent;
using Dr.Contracts.Grains;
using Dr.Contracts.Hosting;
using Dr.Contracts.Mqtt.Client;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;

namespace Dr.Silo.Ingress;

/// <summary>
/// This silo's lines to the brokers: messages of its partitions to the grains, acknowledgements, commands and configuration to the devices. All brokers are heard at once, because which of them a device has chosen is its own affair;
/// what goes to a device goes by the broker that it was last heard on.
/// </summary>
internal sealed partial class IngressService : BackgroundService, IDownlink
{
    private const int ConfigsAtOnce = 32;

    private readonly SemaphoreSlim _configs = new(ConfigsAtOnce);
    private readonly ConcurrentDictionary<DeviceId, BrokerLine> _heardBy = new();
    private readonly DeviceDispatcher _dispatcher;
    private readonly IReadOnlyList<BrokerLine> _lines;
    private readonly ILogger _logger;

    public IngressService(
        IngressOptions options,
        EmbeddedBroker embedded,
        IPartitionShare share,
        IDeviceCalls calls,
        IDeadLetters deadLetters,
        IBrokerConnector connector,
        TimeProvider time,
        ILogger<IngressService> logger)
    {
        _logger = logger;
        _dispatcher = new DeviceDispatcher(new DeviceMessages(calls, deadLetters, time), PublishAckAsync, options, logger);
        IEnumerable<Func<CancellationToken, Task<BrokerAddress>>> brokers = options.Brokers.Count == 0
            ? [embedded.AddressAsync]
            : options.Brokers.Select(broker => (Func<CancellationToken, Task<BrokerAddress>>)(_ => Task.FromResult(broker)));
        _lines = [.. brokers.Select(broker => new BrokerLine(broker, options, share, connector, TakeAsync, time, logger))];
    }

    /// <summary>Completes with the first subscription that stands at any broker.</summary>
    public Task Ready => Task.WhenAny(_lines.Select(line => line.Ready));

    /// <summary>
    /// Trouble of our own: while this is false, silence of the devices says nothing about them. Also false while partitions change hands, and for a while after one of several brokers was lost, in which its devices look for the next.
    /// </summary>
    public bool Connected => HasBroker && !_lines.Any(line => line.IsSettling || (_lines.Count > 1 && line.IsRegrouping));

    /// <summary>Since it was asked last, more came than could be heard. Whoever asks judges nobody by what was missed.</summary>
    public bool TakeOverload() => _dispatcher.TakeTrouble();

    /// <summary>A connection stands, whoever hears which partition.</summary>
    public bool HasBroker => _lines.Any(line => line.IsConnected);

    public Task SendCommandAsync(DeviceId device, DeviceCommand command, CancellationToken cancellationToken) =>
        PublishAsync(device, OutboundMessage.Of(Topics.Down(device, DownChannel.Command), command, MqttJson.Default.DeviceCommand, atLeastOnce: true), cancellationToken);

    /// <summary>Retained by every broker that is there: the device finds it wherever it comes next.</summary>
    public async Task SetConfigAsync(DeviceId device, DeviceConfig config, CancellationToken cancellationToken)
    {
        // The grains are told before this silo has a broker. Then a few at a time: a fleet's configurations all at once would leave the broker no time for beats.
        await Ready.WaitAsync(cancellationToken);
        await _configs.WaitAsync(cancellationToken);
        try
        {
            await PublishToAllAsync(OutboundMessage.Of(Topics.Down(device, DownChannel.Config), config, MqttJson.Default.DeviceConfig, atLeastOnce: true, retain: true), cancellationToken);
        }
        finally
        {
            _configs.Release();
        }
    }

    public override void Dispose()
    {
        _configs.Dispose();
        base.Dispose();
    }

    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        await using (_dispatcher)
        {
            await Loops.AllOrFirstFailureAsync(_lines.Select(line => line.RunAsync(stoppingToken)));
        }
    }

    private ValueTask TakeAsync(BrokerLine line, DeviceId device, string channel, InboundMessage message, CancellationToken cancellationToken)
    {
        // A will comes from the broker that the device has left.
        if (_lines.Count > 1 && channel != StateChannel.Name && (!_heardBy.TryGetValue(device, out var known) || known != line))
        {
            _heardBy[device] = line;
        }

        return _dispatcher.PostAsync(device, channel, message, cancellationToken);
    }

    private async Task PublishAckAsync(DeviceId device, DownAck ack, CancellationToken cancellationToken)
    {
        try
        {
            await PublishAsync(device, OutboundMessage.Of(Topics.Down(device, DownChannel.Ack), ack, MqttJson.Default.DownAck, atLeastOnce: false), cancellationToken);
        }
        catch (DrException exception) when (exception.IsTransient)
        {
            // Cumulative: the next one covers it, and the device asks again by sending again.
            LogAckLost(exception.Message);
        }
    }

    private Task PublishAsync(DeviceId device, OutboundMessage message, CancellationToken cancellationToken) => _lines.Count == 1
        ? _lines[0].PublishAsync(message, cancellationToken)
        : _heardBy.TryGetValue(device, out var line) && line.IsConnected ? line.PublishAsync(message, cancellationToken)
        : PublishToAllAsync(message, cancellationToken);

    /// <summary>By every line that stands; it has got through when one has taken it.</summary>
    private async Task PublishToAllAsync(OutboundMessage message, CancellationToken cancellationToken)
    {
        if (_lines.Count == 1)
        {
            await _lines[0].PublishAsync(message, cancellationToken);
            return;
        }

        DrException? trouble = null;
        var taken = 0;
        foreach (var line in _lines.Where(line => line.IsConnected))
        {
            try
            {
                await line.PublishAsync(message, cancellationToken);
                taken++;
            }
            catch (DrException exception) when (exception.IsTransient)
            {
                trouble = exception;
            }
        }

        if (taken == 0)
        {
            throw trouble ?? new DrException("The control plane has no connection to any of its brokers.", "It reconnects by itself; what was to be sent is sent then.", isTransient: true);
        }
    }

    [LoggerMessage(3623, LogLevel.Debug, "An acknowledgement was not sent: {Detail}")]
    private partial void LogAckLost(string detail);
}
