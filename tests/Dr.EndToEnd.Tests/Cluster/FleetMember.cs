using System.Collections.Concurrent;
using Dr.Contracts.Ids;
using Dr.Contracts.Mqtt;
using Dr.Contracts.Mqtt.Client;
using Dr.Silo.Tests.Support;

namespace Dr.EndToEnd.Tests.Cluster;

/// <summary>Host and appliance of a site on a real broker; results are sent again until the control plane says that it has them.</summary>
internal sealed class FleetMember(BrokerAddress broker, ScriptedDevice device, SystemId system) : FleetDevice(broker, device.Id)
{
    private readonly ConcurrentDictionary<long, DateTimeOffset> _sent = new();
    private readonly ConcurrentDictionary<CommandId, CommandResult> _unconfirmed = new();

    public ScriptedDevice Device => device;

    protected override TimeSpan Period => TimeSpan.FromMilliseconds(300);

    protected override bool IsOn => device.IsOn;

    protected override Birth Birth() => device.Birth();

    protected override async Task TickAsync(IBrokerConnection connection)
    {
        var beat = device.Beat(system, system.Value);
        _sent[beat.Sequence] = beat.SentAt;
        _sent.TryRemove(beat.Sequence - 100, out _);
        await SendAsync(connection, UpChannel.Beat, beat, MqttJson.Default.Beat, atLeastOnce: false);
        foreach (var result in _unconfirmed.Values)
        {
            await SendAsync(connection, UpChannel.Result, result, MqttJson.Default.CommandResult, atLeastOnce: true);
        }
    }

    protected override Task OnAckAsync(IBrokerConnection connection, DownAck ack)
    {
        foreach (var id in ack.Results)
        {
            _unconfirmed.TryRemove(id, out _);
        }

        // The lease counts from when it was asked for.
        if (ack.BeatSequence is { } sequence && _sent.TryGetValue(sequence, out var sentAt))
        {
            device.Take(ack, sentAt);
        }

        return Task.CompletedTask;
    }

    protected override async Task OnCommandAsync(IBrokerConnection connection, DeviceCommand command)
    {
        if (device.Execute(command) is { } result)
        {
            if (command is not ProbeTargets)
            {
                _unconfirmed[result.Id] = result;
            }

            await SendAsync(connection, UpChannel.Result, result, MqttJson.Default.CommandResult, atLeastOnce: true);
        }
    }
}
