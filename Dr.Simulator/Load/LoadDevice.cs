using Dr.Contracts.Mqtt.Client;
using Dr.Simulator.World;

namespace Dr.Simulator.Load;

/// <summary>
/// A kiosk or branch device as its control plane sees it: a connection of its own with birth, will and beats, opened again after the pauses that real devices make when it breaks.
/// </summary>
internal sealed class LoadDevice(int number, LoadPlan plan, IBrokerConnector connector, BrokerAddress broker, LoadCounters counters, TimeProvider time)
{
    private readonly Chance _chance = new Chance(plan.Seed).For($"device {number}");
    private readonly string _boot = $"load-{plan.Seed}-{number}";
    private readonly Guid _stream = new(number, 0, 0, [1, 2, 3, 4, 5, 6, 7, 8]);
    private IBrokerConnection? _connection;
    private volatile bool _off;
    private long _sequence;
    private long _epoch;
    private int _answers;
    private int _connects;

    /// <summary>Answers of a control plane until now.</summary>
    public int Answers => Volatile.Read(ref _answers);

    /// <summary>Connections that stood until now.</summary>
    public int Connects => Volatile.Read(ref _connects);

    /// <summary>Seven of ten stand on the street, three in one of twenty branches.</summary>
    public DeviceId Id { get; } = new(number % 10 < 7 ? $"load-kiosk-{number}" : $"load-branch-{number % 20}-{number}");

    private SiteId Site { get; } = new(number % 10 < 7 ? "street" : $"branch-{number % 20}");

    /// <summary>It stands still on purpose: nothing is sent, the connection breaks.</summary>
    public bool IsOff => _off;

    public async Task LiveAsync(CancellationToken cancellationToken)
    {
        var failures = 0;
        while (!cancellationToken.IsCancellationRequested)
        {
            var before = Connects;
            try
            {
                if (!_off)
                {
                    await ConnectedAsync(cancellationToken);
                    failures = 0;
                }
            }
            catch (DrException failure) when (failure.IsTransient)
            {
                failures = Connects > before ? 0 : failures + 1;
                counters.Failed(failure.Message);
            }
            catch (OperationCanceledException)
            {
                // The run ends, or the connection did: the loop's condition tells them apart.
            }

            try
            {
                await Task.Delay(plan.ReconnectAfter(failures, _chance.Next()), time, cancellationToken);
            }
            catch (OperationCanceledException)
            {
                return;
            }
        }
    }

    /// <summary>Cuts the connection without a word.</summary>
    public async Task CutAsync()
    {
        var connection = Volatile.Read(ref _connection);
        if (connection is not null)
        {
            await connection.DisposeAsync();
        }
    }

    public Task SwitchOffAsync()
    {
        _off = true;
        return CutAsync();
    }

    public void SwitchOn() => _off = false;

    private async Task ConnectedAsync(CancellationToken cancellationToken)
    {
        _epoch++;
        var session = new BrokerSession
        {
            Broker = broker,
            ClientId = Id.Value,
            InboundCapacity = 16,
            ReceiveMaximum = 16,
            ConnectTimeout = TimeSpan.FromSeconds(20),
            ProbePeriod = TimeSpan.FromSeconds(10),
            KeepAlive = TimeSpan.FromSeconds(30),
            Will = OutboundMessage.Of(Topics.State(Id), new DeviceState { Online = false, Epoch = _epoch }, MqttJson.Default.DeviceState, atLeastOnce: true, retain: true),
        };
        await using var connection = await connector.ConnectAsync(session, cancellationToken);
        Volatile.Write(ref _connection, connection);
        Interlocked.Increment(ref _connects);
        counters.Connected(_epoch > 1);
        try
        {
            await connection.SubscribeAsync([Topics.Down(Id, DownChannel.Ack)], cancellationToken);
            await connection.PublishAsync(
                OutboundMessage.Of(
                    Topics.Up(Id, UpChannel.Birth),
                    new Birth { DeviceEpoch = _epoch, BootId = _boot, Site = Site, Roles = ["kiosk"], Software = "dr-sim load", Stream = _stream, SentAt = time.GetUtcNow() },
                    MqttJson.Default.Birth,
                    atLeastOnce: true),
                cancellationToken);
            var hearing = HearAsync(connection, cancellationToken);
            await BeatAsync(connection, cancellationToken);
            await hearing;
        }
        finally
        {
            Volatile.Write(ref _connection, null);
            counters.Disconnected();
        }
    }

    private async Task BeatAsync(IBrokerConnection connection, CancellationToken cancellationToken)
    {
        // The first at once, then each in its own rhythm: a storm must not beat in step for ever.
        await SendAsync(connection, cancellationToken);
        await Task.Delay(plan.Beat * _chance.Next(), time, cancellationToken);
        using var timer = new PeriodicTimer(plan.Beat, time);
        do
        {
            if (connection.Closed.IsCompleted)
            {
                return;
            }

            await SendAsync(connection, cancellationToken);
        }
        while (await timer.WaitForNextTickAsync(cancellationToken) && !connection.Closed.IsCompleted);
    }

    private async Task SendAsync(IBrokerConnection connection, CancellationToken cancellationToken)
    {
        var beat = new Beat
        {
            Sequence = ++_sequence,
            BootId = _boot,
            DeviceEpoch = _epoch,
            NextDueMs = (int)plan.Beat.TotalMilliseconds,
            HourClass = HourClass.Busy,
            SentAt = time.GetUtcNow(),
            Reach = number % 10 == 0 ? [new ReachReport { Target = "site:production", Reachable = true, At = time.GetUtcNow() }] : [],
        };
        await connection.PublishAsync(OutboundMessage.Of(Topics.Up(Id, UpChannel.Beat), beat, MqttJson.Default.Beat, atLeastOnce: false), cancellationToken);
        counters.Sent();
    }

    private async Task HearAsync(IBrokerConnection connection, CancellationToken cancellationToken)
    {
        try
        {
            await foreach (var message in connection.Inbound.ReadAllAsync(cancellationToken))
            {
                counters.Acknowledged();
                Interlocked.Increment(ref _answers);
                await message.AcknowledgeAsync(cancellationToken);
            }
        }
        catch (OperationCanceledException)
        {
            // The run ends.
        }
    }
}
