using Dr.Contracts.Ids;
using Dr.Contracts.Mqtt;
using Dr.Contracts.Mqtt.Client;

namespace Dr.EndToEnd.Tests.WebConsole;

/// <summary>
/// A device that speaks the real protocol to a real broker and has nothing behind it: what it reports and how it answers commands is the test's script.
/// </summary>
internal sealed class ScriptedDevice : IAsyncDisposable
{
    private static readonly TimeSpan Period = TimeSpan.FromMilliseconds(500);

    private readonly CancellationTokenSource _stop = new();
    private readonly string _boot = Guid.NewGuid().ToString("N");
    private readonly Dictionary<CommandId, CommandResult> _answered = [];
    private readonly BrokerAddress _broker;
    private readonly DeviceId _id;
    private readonly SiteId _site;
    private readonly string[] _roles;
    private long _epoch;
    private Task _life = Task.CompletedTask;

    private ScriptedDevice(int brokerPort, string id, string site, string[] roles)
    {
        _broker = new BrokerAddress("127.0.0.1", brokerPort);
        (_id, _site, _roles) = (new DeviceId(id), new SiteId(site), roles);
    }

    /// <summary>Fills in what a beat reports.</summary>
    public Func<Beat, Beat> Report { get; set; } = beat => beat;

    /// <summary>Carries a command out.</summary>
    public Func<DeviceCommand, Task<CommandResult>> Execute { get; set; } = command => Task.FromResult(Done(command));

    public static ScriptedDevice Start(int brokerPort, string id, string site, params string[] roles)
    {
        var device = new ScriptedDevice(brokerPort, id, site, roles);
        device._life = device.LiveAsync(device._stop.Token);
        return device;
    }

    public static CommandResult Done(DeviceCommand command, params (string Name, string Value)[] evidence) => new()
    {
        Id = command.Id,
        Outcome = CommandOutcome.Done,
        Detail = "done",
        Evidence = evidence.ToDictionary(e => e.Name, e => e.Value),
        StartedAt = DateTimeOffset.UtcNow,
        FinishedAt = DateTimeOffset.UtcNow,
        EpochSeen = command.Epoch,
    };

    /// <summary>Falls silent for good.</summary>
    public async Task StopAsync()
    {
        await _stop.CancelAsync();
        await _life;
    }

    public async ValueTask DisposeAsync()
    {
        await StopAsync();
        _stop.Dispose();
    }

    private async Task LiveAsync(CancellationToken stop)
    {
        while (!stop.IsCancellationRequested)
        {
            try
            {
                await ConnectedAsync(stop);
            }
            catch (Exception e) when (e is Contracts.Errors.DrException or OperationCanceledException)
            {
                // The broker is away, as while the silo is restarted, or the test ends: the loop's condition tells them apart.
            }

            await Task.Delay(200, CancellationToken.None);
        }
    }

    private async Task ConnectedAsync(CancellationToken stop)
    {
        var json = MqttJson.Default;
        await using var connection = await new BrokerConnector(TimeProvider.System).ConnectAsync(new BrokerSession { Broker = _broker, ClientId = _id.Value }, stop);
        await connection.SubscribeAsync(Topics.DownFilters(_id), stop);
        await connection.PublishAsync(OutboundMessage.Of(Topics.Up(_id, UpChannel.Birth), Birth(++_epoch), json.Birth, atLeastOnce: true), stop);
        using var over = CancellationTokenSource.CreateLinkedTokenSource(stop);
        var beats = BeatAsync(connection, over.Token);
        try
        {
            await foreach (var message in connection.Inbound.ReadAllAsync(stop))
            {
                if (message.Topic == Topics.Down(_id, DownChannel.Command) && message.TryDecode(json.DeviceCommand, out var command, out _))
                {
                    if (!_answered.TryGetValue(command.Id, out var result))
                    {
                        result = _answered[command.Id] = await Execute(command);
                    }

                    await connection.PublishAsync(OutboundMessage.Of(Topics.Up(_id, UpChannel.Result), result, json.CommandResult, atLeastOnce: true), stop);
                }
                else if (message.Topic == Topics.Down(_id, DownChannel.Ack) && message.TryDecode(json.DownAck, out var ack, out _) && ack.BirthWanted)
                {
                    await connection.PublishAsync(OutboundMessage.Of(Topics.Up(_id, UpChannel.Birth), Birth(_epoch), json.Birth, atLeastOnce: true), stop);
                }

                await message.AcknowledgeAsync(stop);
            }
        }
        finally
        {
            await over.CancelAsync();
            await beats.ContinueWith(_ => { }, TaskScheduler.Default);
        }
    }

    private async Task BeatAsync(IBrokerConnection connection, CancellationToken stop)
    {
        for (var sequence = 1L; ; sequence++)
        {
            var beat = Report(new Beat
            {
                Sequence = sequence, BootId = _boot, DeviceEpoch = _epoch, NextDueMs = (int)(2 * Period).TotalMilliseconds, HourClass = HourClass.Busy, SentAt = DateTimeOffset.UtcNow,
            });
            await connection.PublishAsync(OutboundMessage.Of(Topics.Up(_id, UpChannel.Beat), beat, MqttJson.Default.Beat, atLeastOnce: false), stop);
            await Task.Delay(Period, stop);
        }
    }

    private Birth Birth(long epoch) => new()
    {
        DeviceEpoch = epoch, BootId = _boot, Site = _site, Roles = _roles, Software = "scripted", Stream = Guid.NewGuid(), SentAt = DateTimeOffset.UtcNow,
    };
}
