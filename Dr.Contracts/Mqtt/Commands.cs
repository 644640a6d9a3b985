using Dr.Contracts.Policy;

namespace Dr.Contracts.Mqtt;

/// <summary>
/// An order to a device, sent from the control plane's outbox until its result is in. Executors are idempotent by <see cref="Id"/>; a command whose
/// <see cref="Epoch"/> is lower than one the executor has seen for <see cref="System"/> is refused with <see cref="CommandOutcome.Fenced"/>.
/// </summary>
[JsonPolymorphic(TypeDiscriminatorPropertyName = "kind")]
[JsonDerivedType(typeof(CreateVolume), "volume.create")]
[JsonDerivedType(typeof(TakePoint), "volume.point")]
[JsonDerivedType(typeof(HoldPoint), "volume.hold")]
[JsonDerivedType(typeof(ApplyVolumePolicy), "volume.policy")]
[JsonDerivedType(typeof(AddCopy), "copy.add")]
[JsonDerivedType(typeof(RemoveCopy), "copy.remove")]
[JsonDerivedType(typeof(SyncCopy), "copy.sync")]
[JsonDerivedType(typeof(PromoteVolume), "volume.promote")]
[JsonDerivedType(typeof(DemoteVolume), "volume.demote")]
[JsonDerivedType(typeof(DigestVolume), "volume.digest")]
[JsonDerivedType(typeof(StartSystem), "system.start")]
[JsonDerivedType(typeof(StopSystem), "system.stop")]
[JsonDerivedType(typeof(CheckSystem), "system.check")]
[JsonDerivedType(typeof(ApplyNetwork), "network.apply")]
[JsonDerivedType(typeof(FenceOwner), "fence")]
[JsonDerivedType(typeof(ProbeTargets), "probe")]
[JsonDerivedType(typeof(TestDetection), "detection.test")]
[GenerateSerializer, Immutable, Alias("dr.DeviceCommand")]
public abstract record DeviceCommand
{
    [Id(0)] public required CommandId Id { get; init; }

    [Id(1)] public required DateTimeOffset IssuedAt { get; init; }

    /// <summary>After this the executor answers <see cref="CommandOutcome.Expired"/> instead of starting; what it finds done, it answers as done.</summary>
    [Id(2)] public required DateTimeOffset Deadline { get; init; }

    [Id(3)] public SystemId? System { get; init; }

    [Id(4)] public Epoch Epoch { get; init; }

    /// <summary>The run and step that asked, for the journal.</summary>
    [Id(5)] public RunId? Run { get; init; }

    [Id(6)] public string? Step { get; init; }
}

/// <summary>Appliance: make a volume, empty and primary at the command's epoch; done also when it is there already with the same size.</summary>
[GenerateSerializer, Immutable, Alias("dr.CreateVolume")]
public sealed record CreateVolume : DeviceCommand
{
    [Id(0)] public required string Volume { get; init; }

    [Id(1)] public required long SizeBytes { get; init; }
}

/// <summary>Appliance: take a point, one for each id: the point says in its reason which command ordered it. Evidence: <c>point</c>, <c>sequence</c>, <c>consistency</c>, <c>reason</c>, and with a <see cref="Base"/> that is still known <c>changedBytes</c>.</summary>
[GenerateSerializer, Immutable, Alias("dr.TakePoint")]
public sealed record TakePoint : DeviceCommand
{
    [Id(0)] public required string Volume { get; init; }

    [Id(1)] public string? Label { get; init; }

    /// <summary>Ask the system's quiesce provider on this machine; a missed deadline makes the point crash-consistent, with the reason.</summary>
    [Id(2)] public bool Quiesce { get; init; }

    /// <summary>Nobody asked for it by hand: what it is for. Retention thins it like the appliance's own points; null = it is a person's.</summary>
    [Id(3)] public string? Purpose { get; init; }

    /// <summary>Count what has changed since this point.</summary>
    [Id(4)] public PointId? Base { get; init; }
}

/// <summary>Appliance: hold a point whatever retention says, or let it go. Done also when it is so already.</summary>
[GenerateSerializer, Immutable, Alias("dr.HoldPoint")]
public sealed record HoldPoint : DeviceCommand
{
    [Id(0)] public required string Volume { get; init; }

    [Id(1)] public required PointId Point { get; init; }

    /// <summary>Why it is held; null = let it go.</summary>
    [Id(2)] public string? Reason { get; init; }
}

/// <summary>
/// Appliance: what a policy asks of a volume's copy here. Done when all of it is so, in whatever order the parts were before; what is null stays as the appliance has it.
/// Evidence: <c>policy</c>, the policy in force.
/// </summary>
[GenerateSerializer, Immutable, Alias("dr.ApplyVolumePolicy")]
public sealed record ApplyVolumePolicy : DeviceCommand
{
    [Id(0)] public required string Volume { get; init; }

    /// <summary>Time between automatic points; zero = none.</summary>
    [Id(1)] public TimeSpan? PointsEvery { get; init; }

    [Id(2)] public RetentionRules Retention { get; init; } = new();

    /// <summary>A bandwidth class that is made, or changed, on the appliance.</summary>
    [Id(3)] public BandwidthClass? Bandwidth { get; init; }

    /// <summary>The copy that keeps to that class and has <see cref="Mode"/>; null = none goes out from here.</summary>
    [Id(4)] public string? Peer { get; init; }

    [Id(5)] public CopyMode? Mode { get; init; }
}

/// <summary>Appliance: replicate a primary to a peer from now on.</summary>
[GenerateSerializer, Immutable, Alias("dr.AddCopy")]
public sealed record AddCopy : DeviceCommand
{
    [Id(0)] public required string Volume { get; init; }

    [Id(1)] public required string Peer { get; init; }

    [Id(2)] public required CopyMode Mode { get; init; }

    [Id(3)] public double? BandwidthMbps { get; init; }

    /// <summary>A bandwidth class of the appliance that the copy keeps to beside that; null = as it is.</summary>
    [Id(4)] public string? BandwidthClass { get; init; }
}

[GenerateSerializer, Immutable, Alias("dr.RemoveCopy")]
public sealed record RemoveCopy : DeviceCommand
{
    [Id(0)] public required string Volume { get; init; }

    [Id(1)] public required string Peer { get; init; }
}

/// <summary>Appliance: wait until the peer durably holds everything appended when the command came. Evidence: <c>sequence</c>.</summary>
[GenerateSerializer, Immutable, Alias("dr.SyncCopy")]
public sealed record SyncCopy : DeviceCommand
{
    [Id(0)] public required string Volume { get; init; }

    [Id(1)] public required string Peer { get; init; }
}

/// <summary>Appliance: become primary at the command's epoch. Evidence: <c>generation</c>, <c>sequence</c>, <c>currentAsOf</c>.</summary>
[GenerateSerializer, Immutable, Alias("dr.PromoteVolume")]
public sealed record PromoteVolume : DeviceCommand
{
    [Id(0)] public required string Volume { get; init; }

    /// <summary>The lease under which the new primary may write from now; null = no lease needed (no control plane).</summary>
    [Id(1)] public TimeSpan? LeaseTtl { get; init; }
}

/// <summary>
/// Appliance: stop being primary because the owner at the command's epoch is another. Answered after the last accepted write is durable and the gate is
/// shut. Evidence: <c>sequence</c>, <c>generation</c>, <c>point</c> (a final point is taken), <c>digest</c>.
/// </summary>
[GenerateSerializer, Immutable, Alias("dr.DemoteVolume")]
public sealed record DemoteVolume : DeviceCommand
{
    [Id(0)] public required string Volume { get; init; }
}

/// <summary>Appliance: digest of a point's whole content. Evidence: <c>digest</c> (SHA-256, hexadecimal), <c>point</c>, <c>sequence</c>.</summary>
[GenerateSerializer, Immutable, Alias("dr.DigestVolume")]
public sealed record DigestVolume : DeviceCommand
{
    [Id(0)] public required string Volume { get; init; }

    [Id(1)] public required PointId Point { get; init; }
}

/// <summary>Host: attach, check and mount the file systems, start the components in order, check them. Done also when it runs already at this epoch.</summary>
[GenerateSerializer, Immutable, Alias("dr.StartSystem")]
public sealed record StartSystem : DeviceCommand;

/// <summary>Host: stop the components in reverse order, unmount, detach; answered when proven stopped. Done also when it was stopped already.</summary>
[GenerateSerializer, Immutable, Alias("dr.StopSystem")]
public sealed record StopSystem : DeviceCommand;

/// <summary>Host: run every check of the system once, now.</summary>
[GenerateSerializer, Immutable, Alias("dr.CheckSystem")]
public sealed record CheckSystem : DeviceCommand;

/// <summary>Host: bring the system's network actions (address, command) to this site, or take them away; read back.</summary>
[GenerateSerializer, Immutable, Alias("dr.ApplyNetwork")]
public sealed record ApplyNetwork : DeviceCommand
{
    [Id(0)] public required bool Present { get; init; }
}

/// <summary>
/// Host at the surviving site: switch the system's other site off by the fence device configured here (power, switch port), and read back that it is. Done only when it was read back.
/// </summary>
[GenerateSerializer, Immutable, Alias("dr.FenceOwner")]
public sealed record FenceOwner : DeviceCommand;

/// <summary>Any device: try to reach the targets now and report. Evidence: one entry per target, <c>reachable</c> or the reason.</summary>
[GenerateSerializer, Immutable, Alias("dr.ProbeTargets")]
public sealed record ProbeTargets : DeviceCommand
{
    [Id(0)] public required IReadOnlyList<string> Targets { get; init; }
}

/// <summary>
/// Any device: mark the beats from now on as if they were not there (<see cref="Beat.Test"/>), for a while. Only the detector's test takes notice: leases, reports and the pace go on. Not kept in
/// the outbox; a device that does not know it never answers.
/// </summary>
[GenerateSerializer, Immutable, Alias("dr.TestDetection")]
public sealed record TestDetection : DeviceCommand
{
    /// <summary>After this the marks end by themselves.</summary>
    [Id(0)] public required TimeSpan MarkFor { get; init; }
}

public enum CommandOutcome
{
    /// <summary>Not an end: <see cref="CommandResult.Detail"/> says how far it is.</summary>
    Progress,
    Done,

    /// <summary>Cannot be done as things are; nothing was changed.</summary>
    Refused,

    /// <summary>The epoch is lower than one seen here.</summary>
    Fenced,
    Failed,
    Expired,
}

/// <summary>QoS 1 on <c>up/result</c>; stored by the device and repeated when the command comes again.</summary>
[GenerateSerializer, Immutable, Alias("dr.CommandResult")]
public sealed record CommandResult
{
    [Id(0)] public required CommandId Id { get; init; }

    [Id(1)] public required CommandOutcome Outcome { get; init; }

    /// <summary>One sentence for people.</summary>
    [Id(2)] public string? Detail { get; init; }

    [Id(3)] public string? Hint { get; init; }

    /// <summary>Named facts, as the command's description lists them.</summary>
    [Id(4)] public IReadOnlyDictionary<string, string> Evidence { get; init; } = new Dictionary<string, string>();

    [Id(5)] public DateTimeOffset StartedAt { get; init; }

    [Id(6)] public DateTimeOffset FinishedAt { get; init; }

    /// <summary>Highest epoch the executor has seen for the command's system.</summary>
    [Id(7)] public Epoch EpochSeen { get; init; }
}
