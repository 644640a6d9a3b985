using Dr.Contracts.Ids;
using Dr.Contracts.Mqtt;

namespace Dr.EndToEnd.Tests.WebConsole;

/// <summary>Two sites with one system: what their appliances and hosts would report, kept in step by the commands that the control plane sends them.</summary>
internal sealed class ScriptedLibrary : IAsyncDisposable
{
    public const string Config = """
        sites: [ {id: production}, {id: backup}, {id: street} ]
        devices:
          - { id: prod-1, site: production, roles: [appliance, host] }
          - { id: back-1, site: backup, roles: [appliance, host] }
          - { id: desk-1, site: street, roles: [host] }
        systems:
          - id: dilas
            name: DILAS integrated library system
            class: T
            home: production
            volume: dilas
            size: 64MiB
            copy: { mode: stream }
            hosts: { production: prod-1, backup: back-1 }
            appliances: { production: prod-1, backup: back-1 }
            replication: { production: "127.0.0.1:1", backup: "127.0.0.1:2" }
            approval: automatic
            points: 5s
        """;

    private static readonly SystemId Dilas = new("dilas");
    private static readonly VolumeId Volume = VolumeId.New();
    private static readonly Generation Generation = Generation.New();

    // Guards everything below: two devices' loops and the test use it.
    private readonly Lock _gate = new();
    private readonly Dictionary<string, (VolumeRole Role, Epoch Epoch, bool Copying)> _copies = [];
    private readonly Dictionary<string, HealthState> _health = new() { ["prod-1"] = HealthState.Running, ["back-1"] = HealthState.Stopped };
    private readonly List<PointInfo> _points = [];
    private readonly List<ScriptedDevice> _devices = [];
    private Epoch _seen = Epoch.First;

    public ScriptedLibrary(int brokerPort)
    {
        foreach (var (id, site) in new[] { ("prod-1", "production"), ("back-1", "backup") })
        {
            var device = ScriptedDevice.Start(brokerPort, id, site, "appliance", "host");
            device.Report = beat => Report(id, beat);
            device.Execute = command => ExecuteAsync(id, command);
            _devices.Add(device);
        }

        Desk = ScriptedDevice.Start(brokerPort, "desk-1", "street", "host");
    }

    /// <summary>A third device, for falling silent.</summary>
    public ScriptedDevice Desk { get; }

    /// <summary>How far the copy says it is behind.</summary>
    public TimeSpan Behind { get; set; } = TimeSpan.FromSeconds(0.3);

    /// <summary>The system is not started or stopped before this: what is to be seen meanwhile can be seen, however slow the machine.</summary>
    public Task StepsWaitFor { get; set; } = Task.CompletedTask;

    public async ValueTask DisposeAsync()
    {
        foreach (var device in _devices)
        {
            await device.DisposeAsync();
        }

        await Desk.DisposeAsync();
    }

    private Beat Report(string device, Beat beat)
    {
        lock (_gate)
        {
            var holds = _copies.TryGetValue(device, out var copy);
            return beat with
            {
                Systems =
                [
                    new SystemHealth
                    {
                        System = Dilas, State = _health[device], EpochSeen = _seen,
                        Components = [new ComponentHealth { Name = "postgresql", State = _health[device], Since = DateTimeOffset.UtcNow.AddMinutes(-5), Detail = "scripted" }],
                    },
                ],
                Volumes = holds ? [Status(device, copy, beat.SentAt)] : [],
                Leases = holds && copy.Role == VolumeRole.Primary ? [new LeaseRequest { System = Dilas, Epoch = copy.Epoch }] : [],
            };
        }
    }

    private VolumeStatus Status(string device, (VolumeRole Role, Epoch Epoch, bool Copying) copy, DateTimeOffset now) => new()
    {
        Volume = Volume, Name = "dilas", SizeBytes = 64 << 20, Role = copy.Role, Epoch = copy.Epoch, Generation = Generation, Appended = new SequenceNumber(1000), Durable = new SequenceNumber(1000),
        Writable = copy.Role == VolumeRole.Primary, CurrentAsOf = copy.Role == VolumeRole.Primary ? now : now - Behind, NewestPoint = _points.LastOrDefault(), PointCount = _points.Count, AllocatedBytes = 9 << 20,
        Copies = copy is { Role: VolumeRole.Primary, Copying: true }
            ? [new CopyStatus { Peer = device == "prod-1" ? "127.0.0.1:2" : "127.0.0.1:1", Mode = CopyMode.Stream, State = CopyState.Current, LagSeconds = Behind.TotalSeconds }]
            : [],
    };

    private async Task<CommandResult> ExecuteAsync(string device, DeviceCommand command)
    {
        if (command is StartSystem or StopSystem)
        {
            await StepsWaitFor;
        }

        await Task.Delay(command is StartSystem or StopSystem ? 1500 : 100);
        lock (_gate)
        {
            _seen = command.Epoch > _seen ? command.Epoch : _seen;
            var other = device == "prod-1" ? "back-1" : "prod-1";
            var point = new PointInfo { Id = PointId.From(DateTimeOffset.UtcNow, (uint)_points.Count), At = DateTimeOffset.UtcNow, Sequence = new SequenceNumber(1000), Consistency = PointConsistency.Application };
            switch (command)
            {
                case CreateVolume:
                    _copies[device] = (VolumeRole.Primary, command.Epoch, false);
                    break;
                case AddCopy:
                    _copies[device] = _copies[device] with { Copying = true };
                    _copies[other] = (VolumeRole.Replica, _copies[device].Epoch, false);
                    break;
                case TakePoint:
                    _points.Add(point);
                    return ScriptedDevice.Done(command, ("point", point.Id.Value), ("sequence", "1000"), ("consistency", "Application"));
                case DemoteVolume:
                    _copies[device] = (VolumeRole.Demoted, command.Epoch, false);
                    _points.Add(point);
                    return ScriptedDevice.Done(command, ("sequence", "1000"), ("generation", Generation.Value), ("point", point.Id.Value), ("digest", "5f0c"));
                case DigestVolume:
                    return ScriptedDevice.Done(command, ("digest", "5f0c"), ("sequence", "1000"));
                case PromoteVolume:
                    _copies[device] = (VolumeRole.Primary, command.Epoch, false);
                    return ScriptedDevice.Done(command, ("generation", Generation.Value), ("sequence", "1000"));
                case SyncCopy:
                    return ScriptedDevice.Done(command, ("sequence", "1000"));
                case StartSystem:
                    _health[device] = HealthState.Running;
                    break;
                case StopSystem:
                    _health[device] = HealthState.Stopped;
                    break;
            }

            return ScriptedDevice.Done(command);
        }
    }
}
