using System.Collections.Concurrent;
using Dr.Contracts.Grains;
using Dr.Contracts.Ids;
using Dr.Contracts.Mqtt;

namespace Dr.Silo.Tests.Support;

/// <summary>
/// A device that behaves as the contracts say: beats with a promise, asks for leases, executes each command id once, refuses lower epochs. Host and appliance
/// in one; the other side of a copy is the other scripted device.
/// </summary>
internal sealed class ScriptedDevice(DeviceId id, SiteId site, string replication)
{
    /// <summary>A policy and the class of a copy, as they are told.</summary>
    public sealed record Report(string? Policy, string? Class);

    private readonly ConcurrentDictionary<CommandId, CommandResult> _inbox = new();
    private readonly Lock _gate = new();
    private long _beats;
    private long _points;
    private CommandId? _test;
    private string _boot = Guid.NewGuid().ToString("N");
    private long _epoch = 1;

    public DeviceId Id => id;

    public SiteId Site => site;

    public string Replication => replication;

    public bool IsOn { get; private set; } = true;

    public ScriptedDevice? Peer { get; set; }

    public VolumeRole? Role { get; private set; }

    public Epoch VolumeEpoch { get; private set; }

    public long Appended { get; set; } = 100;

    public bool IsCopying { get; set; }

    /// <summary>What it says of its synchronous copy: number and state of the record; 0 = nothing.</summary>
    public (long Record, MirrorState State) Mirror { get; set; }

    /// <summary>The newest record that the control plane has confirmed.</summary>
    public long MirrorNoted { get; private set; }

    /// <summary>The policy in force, as it was last applied or changed by hand; null before.</summary>
    public string? Policy { get; set; }

    /// <summary>The class of its copy, in the same way.</summary>
    public string? Class { get; set; }

    /// <summary>While it is set, what it reports of its policy and of the class of its copy is this and not what is in force: a report of before.</summary>
    public Report? SaysStill { get; set; }

    /// <summary>How old its copy is.</summary>
    public TimeSpan Age { get; set; }

    /// <summary>What it says of its volume now; a test may send it again later.</summary>
    public VolumeStatus Status(string volume) => Status(volume, Role!.Value);

    public bool Runs { get; set; }

    public bool HasNetwork { get; private set; }

    /// <summary>Until when it may write, by its own clock, counted from when it asked.</summary>
    public DateTimeOffset WritableUntil { get; private set; }

    public ConcurrentQueue<DeviceCommand> Executed { get; } = new();

    /// <summary>Commands that are swallowed: the answer never comes.</summary>
    public Func<DeviceCommand, bool> Swallows { get; set; } = _ => false;

    public bool MayWrite => IsOn && Role == VolumeRole.Primary && TimeProvider.System.GetUtcNow() < WritableUntil;

    public void PowerOff() => IsOn = false;

    public void PowerOn()
    {
        (_boot, _beats, Runs, IsCopying, WritableUntil) = (Guid.NewGuid().ToString("N"), 0, false, false, default);
        _epoch++;
        IsOn = true;
    }

    public Birth Birth() => new()
    {
        DeviceEpoch = _epoch,
        BootId = _boot,
        Site = site,
        Roles = ["appliance", "host"],
        Software = "scripted",
        Stream = Guid.Empty,
        SentAt = TimeProvider.System.GetUtcNow(),
    };

    public Beat Beat(SystemId system, string volume)
    {
        lock (_gate)
        {
            return new Beat
            {
                Sequence = ++_beats,
                BootId = _boot,
                DeviceEpoch = _epoch,
                NextDueMs = 300,
                HourClass = HourClass.Busy,
                SentAt = TimeProvider.System.GetUtcNow(),
                Systems = [new SystemHealth { System = system, State = Runs ? HealthState.Running : HealthState.Stopped, EpochSeen = VolumeEpoch }],
                Volumes = Role is { } role ? [Status(volume, role)] : [],
                Test = _test,
                Leases = Role == VolumeRole.Primary ? [new LeaseRequest { System = system, Epoch = VolumeEpoch }] : [],
            };
        }
    }

    public void Take(DownAck ack, DateTimeOffset sentAt)
    {
        lock (_gate)
        {
            MirrorNoted = ack.Mirrors.Select(m => m.Record).Append(MirrorNoted).Max();
            foreach (var grant in ack.Leases)
            {
                if (grant.Granted && grant.Epoch == VolumeEpoch)
                {
                    WritableUntil = sentAt + grant.Ttl;
                }
                else if (grant.Epoch > VolumeEpoch && Role == VolumeRole.Primary)
                {
                    (Role, VolumeEpoch, WritableUntil) = (VolumeRole.Demoted, grant.Epoch, default);
                }
            }
        }
    }

    public CommandResult? Execute(DeviceCommand command)
    {
        if (!IsOn || Swallows(command))
        {
            return null;
        }

        lock (_gate)
        {
            return _inbox.GetOrAdd(command.Id, _ =>
            {
                Executed.Enqueue(command);
                var fenced = command.System is not null && command.Epoch < VolumeEpoch;
                var evidence = fenced ? [] : Do(command);
                return new CommandResult
                {
                    Id = command.Id,
                    Outcome = fenced ? CommandOutcome.Fenced : CommandOutcome.Done,
                    Detail = fenced ? $"Epoch {command.Epoch} is lower than {VolumeEpoch}." : null,
                    Evidence = evidence,
                    FinishedAt = TimeProvider.System.GetUtcNow(),
                };
            });
        }
    }

    private Dictionary<string, string> Do(DeviceCommand command)
    {
        switch (command)
        {
            case CreateVolume:
                (Role, VolumeEpoch) = (VolumeRole.Primary, command.Epoch);
                break;
            case TakePoint:
                return new Dictionary<string, string>
                {
                    ["sequence"] = Appended.ToString(System.Globalization.CultureInfo.InvariantCulture),
                    ["point"] = new PointId((ulong)++_points).Value,
                    ["consistency"] = nameof(PointConsistency.Crash),
                };
            case TestDetection:
                _test = command.Id;
                break;
            case ApplyVolumePolicy apply:
                Policy = $"points every {apply.PointsEvery}, fine window {apply.Retention.FineWindow}";
                Class = apply.Peer is null ? Class : apply.Bandwidth?.Name;
                return new Dictionary<string, string> { ["policy"] = Policy };
            case AddCopy:
                IsCopying = true;
                Peer!.Follow(Appended, VolumeEpoch);
                break;
            case DemoteVolume:
                (Role, VolumeEpoch, WritableUntil, IsCopying) = (VolumeRole.Demoted, command.Epoch, default, false);
                return Final();
            case PromoteVolume promote:
                (Role, VolumeEpoch, WritableUntil) = (VolumeRole.Primary, command.Epoch, TimeProvider.System.GetUtcNow() + (promote.LeaseTtl ?? TimeSpan.MaxValue / 2));
                break;
            case SyncCopy:
                Peer!.Appended = Appended;
                return Final();
            case DigestVolume:
                return Final();
            case StartSystem:
                Runs = true;
                break;
            case StopSystem:
                Runs = false;
                break;
            case ApplyNetwork network:
                HasNetwork = network.Present;
                break;
        }

        return [];
    }

    private void Follow(long appended, Epoch epoch)
    {
        if (IsOn)
        {
            (Role, VolumeEpoch, Appended) = (VolumeRole.Replica, epoch, appended);
        }
    }

    private Dictionary<string, string> Final() => new()
    {
        ["sequence"] = Appended.ToString(System.Globalization.CultureInfo.InvariantCulture),
        ["digest"] = $"sha-of-{Appended}",
        ["point"] = new PointId(0x1234).Value,
    };

    private VolumeStatus Status(string volume, VolumeRole role) => new()
    {
        Volume = new VolumeId(Guid.Empty),
        Name = volume,
        SizeBytes = 1 << 20,
        Role = role,
        Epoch = VolumeEpoch,
        Generation = new Generation(Guid.Empty),
        Appended = new SequenceNumber(Appended),
        Durable = new SequenceNumber(Appended),
        Writable = MayWrite,
        CurrentAsOf = TimeProvider.System.GetUtcNow() - Age,
        Policy = SaysStill is { } before ? before.Policy : Policy,
        Copies = role == VolumeRole.Primary && IsCopying
            ? [new CopyStatus { Peer = Peer!.Replication, Mode = CopyMode.Stream, State = Peer.IsOn ? CopyState.Current : CopyState.Connecting, BandwidthClass = SaysStill is { } still ? still.Class : Class, MirrorRecord = Mirror.Record, Mirror = Mirror.State }]
            : [],
    };
}
