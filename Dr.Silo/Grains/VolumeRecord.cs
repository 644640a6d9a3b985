using Dr.Silo.Decisions.Backups;
using Dr.Silo.Decisions.Policies;

namespace Dr.Silo.Grains;

/// <summary>What a volume's grain keeps over restarts.</summary>
[GenerateSerializer, Alias("dr.VolumeRecord")]
public sealed record VolumeRecord
{
    [Id(0)] public VolumeSettings? Settings { get; init; }

    [Id(1)] public DeviceId? Owner { get; init; }

    [Id(2)] public Epoch Epoch { get; init; }

    [Id(3)] public DateTimeOffset? NextPointAt { get; init; }

    /// <summary>The point that is being taken.</summary>
    [Id(4)] public CommandId? Pending { get; init; }

    [Id(5)] public string? LastProblem { get; init; }

    /// <summary>What primaries said of their mirrors, the newest record of each.</summary>
    [Id(6)] public IReadOnlyList<MirrorRecord> Mirrors { get; init; } = [];

    [Id(7)] public BackupState Backups { get; init; } = BackupState.Empty;

    /// <summary>What each appliance has confirmed of the policy, as <see cref="PolicyPush.Key"/>.</summary>
    [Id(8)] public IReadOnlyDictionary<DeviceId, string> Pushed { get; init; } = new Dictionary<DeviceId, string>();

    /// <summary>In which words each appliance confirmed it: what its beats say since, until somebody changes it by hand.</summary>
    [Id(9)] public IReadOnlyDictionary<DeviceId, string> Confirmed { get; init; } = new Dictionary<DeviceId, string>();
}

/// <summary>One mirror as its primary recorded it.</summary>
[GenerateSerializer, Immutable, Alias("dr.MirrorRecord")]
public sealed record MirrorRecord
{
    [Id(0)] public required VolumeId Volume { get; init; }

    [Id(1)] public required string Peer { get; init; }

    [Id(2)] public required long Record { get; init; }

    [Id(3)] public required MirrorState State { get; init; }

    [Id(4)] public required DateTimeOffset At { get; init; }

    /// <summary>None in records of before it was written.</summary>
    [Id(5)] public Epoch Epoch { get; init; }

    public MirrorWord ToWord() => new() { Peer = Peer, Epoch = Epoch, Record = Record, State = State };

    public static MirrorRecord From(VolumeId volume, MirrorWord word, DateTimeOffset at) =>
        new() { Volume = volume, Peer = word.Peer, Record = word.Record, State = word.State, At = at, Epoch = word.Epoch };
}
