using System.Diagnostics;
using Dr.Contracts.Ids;
using Dr.Contracts.Mqtt;
using Dr.Contracts.Mqtt.Client;

namespace Dr.EndToEnd.Tests.Cluster;

/// <summary>A kiosk that lends books all the time: numbered rows, sent again until the control plane says that it has them. Also a witness.</summary>
internal sealed class FleetKiosk(BrokerAddress broker, DeviceId id, SystemId system, Func<bool> reaches) : FleetDevice(broker, id)
{
    private const int RowsPerBatch = 5;

    private static readonly TimeSpan ResendAfter = TimeSpan.FromSeconds(1);

    private readonly Guid _stream = Guid.NewGuid();
    private readonly string _boot = Guid.NewGuid().ToString("N");
    private long _beats;
    private long _acknowledged;
    private long _sent;
    private long _sentAt;
    private long _ackedAt = Stopwatch.GetTimestamp();
    private TimeSpan _longestWait;

    /// <summary>Rows that the control plane says it has: they must be there, once.</summary>
    public long Acknowledged => Interlocked.Read(ref _acknowledged);

    /// <summary>The longest time between two acknowledgements since the last call.</summary>
    public TimeSpan TakeLongestWait()
    {
        var waiting = Stopwatch.GetElapsedTime(Interlocked.Read(ref _ackedAt));
        var longest = waiting > _longestWait ? waiting : _longestWait;
        _longestWait = TimeSpan.Zero;
        return longest;
    }

    protected override TimeSpan Period => TimeSpan.FromMilliseconds(300);

    protected override bool IsOn => true;

    protected override Birth Birth() => new()
    {
        DeviceEpoch = 1, BootId = _boot, Site = new SiteId("street"), Roles = ["kiosk"], Software = "scripted", Stream = _stream, SentAt = DateTimeOffset.UtcNow,
    };

    protected override async Task TickAsync(IBrokerConnection connection)
    {
        var reach = new ReachReport { Target = $"system:{system}", Reachable = reaches(), At = DateTimeOffset.UtcNow };
        await SendAsync(
            connection,
            UpChannel.Beat,
            new Beat { Sequence = ++_beats, BootId = _boot, DeviceEpoch = 1, NextDueMs = 600, HourClass = HourClass.Busy, SentAt = DateTimeOffset.UtcNow, Reach = [reach] },
            MqttJson.Default.Beat,
            atLeastOnce: false);
        if (_sent == Acknowledged || Stopwatch.GetElapsedTime(_sentAt) > ResendAfter)
        {
            (_sent, _sentAt) = (Acknowledged + RowsPerBatch, Stopwatch.GetTimestamp());
            await SendAsync(
                connection,
                UpChannel.Data,
                new DataBatch
                {
                    DeviceEpoch = 1,
                    Stream = _stream,
                    Lane = 0,
                    First = _sent - RowsPerBatch + 1,
                    Oldest = Acknowledged + 1,
                    Rows = [.. Enumerable.Range(1, RowsPerBatch).Select(i => new DataRow { Kind = "loan", Key = $"{_sent - RowsPerBatch + i}", At = DateTimeOffset.UtcNow, Body = "{}" })],
                },
                MqttJson.Default.DataBatch,
                atLeastOnce: true);
        }
    }

    protected override Task OnAckAsync(IBrokerConnection connection, DownAck ack)
    {
        foreach (var lane in ack.Lanes.Where(l => l.Stream == _stream && l.HighWater > Acknowledged))
        {
            var now = Stopwatch.GetTimestamp();
            var waited = Stopwatch.GetElapsedTime(Interlocked.Exchange(ref _ackedAt, now), now);
            _longestWait = waited > _longestWait ? waited : _longestWait;
            Interlocked.Exchange(ref _acknowledged, lane.HighWater);
        }

        return Task.CompletedTask;
    }

    protected override Task OnCommandAsync(IBrokerConnection connection, DeviceCommand command) => command is not ProbeTargets probe
        ? Task.CompletedTask
        : SendAsync(
            connection,
            UpChannel.Result,
            new CommandResult
            {
                Id = command.Id,
                Outcome = CommandOutcome.Done,
                Evidence = probe.Targets.ToDictionary(t => t, _ => reaches() ? "reachable" : "connection refused"),
                FinishedAt = DateTimeOffset.UtcNow,
            },
            MqttJson.Default.CommandResult,
            atLeastOnce: true);
}
