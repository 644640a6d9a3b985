using Dr.Contracts.Grains;
using Dr.Contracts.Policy;

namespace Dr.Silo.Decisions.Backups;

/// <summary>What is done one after the other for a backup. A change backup ends after <see cref="Sync"/>.</summary>
public enum BackupStep
{
    /// <summary>Take the point at the owner.</summary>
    Point,

    /// <summary>Full: hold the point at the owner, so that retention leaves it alone while it is being proven.</summary>
    Hold,

    /// <summary>Wait until the other copy has everything up to it on its disk.</summary>
    Sync,

    /// <summary>Full: read the whole image at the owner.</summary>
    DigestHere,

    /// <summary>Full: the same at the other copy; the digests must be equal.</summary>
    DigestThere,

    /// <summary>Full: hold it there, too.</summary>
    HoldThere,

    /// <summary>Full: let the one before go, at the owner; only after the new one is proven and stored.</summary>
    Release,

    /// <summary>Full: the same at the other copy.</summary>
    ReleaseThere,
}

/// <summary>A backup under way.</summary>
[GenerateSerializer, Immutable, Alias("dr.BackupJob")]
public sealed record BackupJob
{
    /// <summary>Counts the volume's jobs; part of every command id.</summary>
    [Id(0)] public required long Number { get; init; }

    [Id(1)] public required BackupKind Kind { get; init; }

    [Id(2)] public required BackupStep Step { get; init; }

    [Id(3)] public required DateTimeOffset StartedAt { get; init; }

    /// <summary>When the present step is given up.</summary>
    [Id(4)] public required DateTimeOffset Deadline { get; init; }

    /// <summary>The command whose result is awaited; null = not given yet.</summary>
    [Id(5)] public CommandId? Pending { get; init; }

    [Id(6)] public required DeviceId Owner { get; init; }

    [Id(7)] public required Epoch Epoch { get; init; }

    [Id(8)] public DeviceId? PeerAppliance { get; init; }

    [Id(9)] public string? Peer { get; init; }

    [Id(10)] public PointId? Base { get; init; }

    /// <summary>What is being made; complete once the last step is through.</summary>
    [Id(11)] public BackupRecord? Record { get; init; }

    /// <summary>Why it has failed: all that is left to do is to let its point go.</summary>
    [Id(12)] public string? Failure { get; init; }
}

/// <summary>What a volume remembers of its backups.</summary>
[GenerateSerializer, Immutable, Alias("dr.BackupState")]
public sealed record BackupState
{
    public static BackupState Empty { get; } = new();

    [Id(0)] public long Jobs { get; init; }

    /// <summary>At most one for fulls and one for changes: proving an image takes hours, and changes must not wait for it.</summary>
    [Id(1)] public IReadOnlyList<BackupJob> Live { get; init; } = [];

    /// <summary>The good ones, newest last.</summary>
    [Id(2)] public IReadOnlyList<BackupRecord> Records { get; init; } = [];

    /// <summary>When the last good one of each kind began.</summary>
    [Id(3)] public IReadOnlyDictionary<BackupKind, DateTimeOffset> LastRuns { get; init; } = new Dictionary<BackupKind, DateTimeOffset>();

    /// <summary>Why the newest attempt of a kind failed, how often in a row, and when it is tried again.</summary>
    [Id(4)] public IReadOnlyDictionary<BackupKind, BackupTrouble> Troubles { get; init; } = new Dictionary<BackupKind, BackupTrouble>();

    /// <summary>Points that are held for fulls: the last proven one, one that is being proven, and what could not be let go yet.</summary>
    [Id(5)] public IReadOnlyList<PointId> Held { get; init; } = [];

    public BackupRecord? LastFull => Records.LastOrDefault(r => r is { Kind: BackupKind.Full, VerifiedAt: not null });

    public bool IsLive(BackupKind kind) => Live.Any(j => BackupMachine.LaneOf(j.Kind) == BackupMachine.LaneOf(kind));
}

[GenerateSerializer, Immutable, Alias("dr.BackupTrouble")]
public sealed record BackupTrouble([property: Id(0)] string Reason, [property: Id(1)] int Times, [property: Id(2)] DateTimeOffset AgainAt);
