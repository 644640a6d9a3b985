namespace Dr.Contracts.Mqtt;

/// <summary>
/// First message after each connect, QoS 1. A device with a higher <see cref="DeviceEpoch"/> supersedes one with a lower: births, wills and batches
/// of a lower one are ignored.
/// </summary>
[GenerateSerializer, Immutable, Alias("dr.Birth")]
public sealed record Birth
{
    /// <summary>Raised by one and committed to the device's disk before every connect.</summary>
    [Id(0)] public required long DeviceEpoch { get; init; }

    /// <summary>Random per start of the process.</summary>
    [Id(1)] public required string BootId { get; init; }

    [Id(2)] public required SiteId Site { get; init; }

    /// <summary><c>appliance</c>, <c>host</c>, <c>kiosk</c>; one program may have several.</summary>
    [Id(3)] public required IReadOnlyList<string> Roles { get; init; }

    [Id(4)] public required string Software { get; init; }

    /// <summary>Id of the outbox file; a new or restored file is a new stream.</summary>
    [Id(5)] public required Guid Stream { get; init; }

    [Id(6)] public required DateTimeOffset SentAt { get; init; }

    /// <summary>Systems whose components this host can run.</summary>
    [Id(7)] public IReadOnlyList<SystemId> Systems { get; init; } = [];
}

/// <summary>A heartbeat, QoS 0. It carries its own promise: the silo never guesses the period.</summary>
[GenerateSerializer, Immutable, Alias("dr.Beat")]
public sealed record Beat
{
    /// <summary>Counts up from 1 per boot.</summary>
    [Id(0)] public required long Sequence { get; init; }

    [Id(1)] public required string BootId { get; init; }

    [Id(2)] public required long DeviceEpoch { get; init; }

    /// <summary>Milliseconds until the next beat is sent at the latest.</summary>
    [Id(3)] public required int NextDueMs { get; init; }

    [Id(4)] public required HourClass HourClass { get; init; }

    [Id(5)] public required DateTimeOffset SentAt { get; init; }

    [Id(6)] public LoadReport Load { get; init; } = new();

    /// <summary>One or two targets' reachability: a witness's evidence, never a vote.</summary>
    [Id(7)] public IReadOnlyList<ReachReport> Reach { get; init; } = [];

    [Id(8)] public IReadOnlyList<SystemHealth> Systems { get; init; } = [];

    [Id(9)] public IReadOnlyList<VolumeStatus> Volumes { get; init; } = [];

    /// <summary>Serving leases to renew. The sender counts each from <see cref="SentAt"/> by its monotonic clock.</summary>
    [Id(10)] public IReadOnlyList<LeaseRequest> Leases { get; init; } = [];

    /// <summary>The synthetic kill that this beat is not there for; it counts for everything else.</summary>
    [Id(20)] public CommandId? Test { get; init; }
}

/// <summary>Business hours decide the period: short when a stop hurts most and is noticed first.</summary>
public enum HourClass
{
    Idle,
    Busy,
}

/// <summary>How strained the machine is; stretches the period within its class.</summary>
[GenerateSerializer, Immutable, Alias("dr.LoadReport")]
public sealed record LoadReport
{
    /// <summary>0–1 of all cores over the last period.</summary>
    [Id(0)] public double Cpu { get; init; }

    [Id(1)] public int QueueLength { get; init; }

    [Id(2)] public double ResponseMs { get; init; }
}

/// <summary>What a device could reach when it last tried.</summary>
[GenerateSerializer, Immutable, Alias("dr.ReachReport")]
public sealed record ReachReport
{
    /// <summary><c>system:ID</c>, <c>device:ID</c> or <c>site:ID</c>.</summary>
    [Id(0)] public required string Target { get; init; }

    [Id(1)] public required bool Reachable { get; init; }

    /// <summary>The connection works but a transaction through it does not: an application fault.</summary>
    [Id(2)] public bool TransactionFailed { get; init; }

    [Id(3)] public DateTimeOffset At { get; init; }

    [Id(4)] public double RoundTripMs { get; init; }

    [Id(5)] public string? Detail { get; init; }
}

public enum HealthState
{
    Unknown,
    Stopped,
    Starting,
    Running,

    /// <summary>Answers, but wrongly or too slowly.</summary>
    Degraded,
    Failed,
}

/// <summary>A business system as its host sees it.</summary>
[GenerateSerializer, Immutable, Alias("dr.SystemHealth")]
public sealed record SystemHealth
{
    [Id(0)] public required SystemId System { get; init; }

    [Id(1)] public required HealthState State { get; init; }

    /// <summary>Highest epoch this host has seen for the system.</summary>
    [Id(2)] public Epoch EpochSeen { get; init; }

    [Id(3)] public IReadOnlyList<ComponentHealth> Components { get; init; } = [];

    /// <summary>Whether the system's network actions lead to this host, as it read back last.</summary>
    [Id(4)] public NetworkPlace Network { get; init; }
}

/// <summary>What a host reads back of a system's network actions.</summary>
public enum NetworkPlace
{
    /// <summary>Not read, or the system has none.</summary>
    Unknown,

    /// <summary>None of them is in force here.</summary>
    Away,

    /// <summary>Some are and some are not.</summary>
    Partly,

    /// <summary>All of them are in force here.</summary>
    Here,
}

[GenerateSerializer, Immutable, Alias("dr.ComponentHealth")]
public sealed record ComponentHealth
{
    [Id(0)] public required string Name { get; init; }

    [Id(1)] public required HealthState State { get; init; }

    [Id(2)] public DateTimeOffset Since { get; init; }

    [Id(3)] public string? Detail { get; init; }
}

/// <summary>A request to extend the serving lease of a system that this device serves at <see cref="Epoch"/>.</summary>
[GenerateSerializer, Immutable, Alias("dr.LeaseRequest")]
public sealed record LeaseRequest
{
    [Id(0)] public required SystemId System { get; init; }

    [Id(1)] public required Epoch Epoch { get; init; }

    /// <summary>Its copies may extend the lease while the control plane is not reached (<c>replicaLease</c>). False: what is not granted ends. Null: an agent of before, which does not say.</summary>
    [Id(2)] public bool? Extendable { get; init; }
}

/// <summary>Retained on <c>…/state</c>; the will sets <see cref="Online"/> to false.</summary>
[GenerateSerializer, Immutable, Alias("dr.DeviceState")]
public sealed record DeviceState
{
    [Id(0)] public required bool Online { get; init; }

    [Id(1)] public required long Epoch { get; init; }

    /// <summary>The device said good-bye itself: a planned stop, not a death. A will never has it.</summary>
    [Id(2)] public bool Left { get; init; }

    /// <summary>The boot that says so: a foreign one here, after our own session, is another agent with our id. Not every broker tells of a takeover.</summary>
    [Id(3)] public string? BootId { get; init; }
}
