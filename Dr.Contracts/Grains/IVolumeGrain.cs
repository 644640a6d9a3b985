using Dr.Contracts.Policy;
using Orleans.Concurrency;

namespace Dr.Contracts.Grains;

/// <summary>One volume, key = its name: where its copies are, how far, its newest points; takes points by schedule at the owner. Reports interleave: of the grain they only touch memory.</summary>
[Alias("dr.IVolumeGrain")]
public interface IVolumeGrain : IGrainWithStringKey
{
    [Alias("Configure")]
    Task ConfigureAsync(VolumeSettings settings);

    /// <summary>A copy as its appliance reports it, on each beat; answers with what is stored of its mirrors.</summary>
    [Alias("OnStatus"), AlwaysInterleave]
    Task<IReadOnlyList<MirrorNoted>> OnStatusAsync(DeviceId appliance, VolumeStatus status);

    /// <summary>Points are only taken where the system is owned; the system's grain tells.</summary>
    [Alias("OwnedBy"), AlwaysInterleave]
    Task OwnedByAsync(DeviceId appliance, Epoch epoch);

    /// <summary>May be told more than once; on return the event of kind <c>volume.point</c> about a point that was asked for is written, once.</summary>
    [Alias("OnResult"), AlwaysInterleave]
    Task OnResultAsync(DeviceId appliance, DeviceCommand command, CommandResult result);

    /// <summary>Takes a point now; the answer is the command's id, whose result is an event of kind <c>volume.point</c> that names it.</summary>
    [Alias("TakePoint")]
    Task<CommandId?> TakePointAsync(string? label);

    /// <summary>What is stored of the volume's mirrors: what their primaries were told is recorded, over restarts too.</summary>
    [Alias("Mirrors"), AlwaysInterleave]
    Task<IReadOnlyList<MirrorWord>> MirrorsAsync();

    [Alias("Get"), AlwaysInterleave]
    Task<VolumeView?> GetAsync();

    [Alias("Wake"), AlwaysInterleave]
    Task WakeAsync();
}

/// <summary>What a primary said of one of its mirrors. Messages come late, twice and in any order: a word counts only until one of a higher epoch, or of the same epoch and a higher record, was heard.</summary>
[GenerateSerializer, Immutable, Alias("dr.MirrorWord")]
public sealed record MirrorWord
{
    [Id(0)] public required string Peer { get; init; }

    /// <summary>The epoch the primary was primary at.</summary>
    [Id(1)] public required Epoch Epoch { get; init; }

    [Id(2)] public required long Record { get; init; }

    [Id(3)] public required MirrorState State { get; init; }

    /// <summary>True when this word says nothing that <paramref name="other"/> has overtaken.</summary>
    public bool IsAtLeast(MirrorWord other) => Epoch > other.Epoch || (Epoch == other.Epoch && Record >= other.Record);

    /// <summary>The words of a report; none of one that is not a primary's.</summary>
    public static IEnumerable<MirrorWord> Of(VolumeStatus status) =>
        status.Role != VolumeRole.Primary ? [] : status.Copies.Where(c => c.MirrorRecord > 0).Select(c => new MirrorWord { Peer = c.Peer, Epoch = status.Epoch, Record = c.MirrorRecord, State = c.Mirror });
}

[GenerateSerializer, Immutable, Alias("dr.VolumeSettings")]
public sealed record VolumeSettings
{
    [Id(0)] public required SystemId System { get; init; }

    [Id(1)] public required TimeSpan PointPeriod { get; init; }

    /// <summary>Version of the policies that these settings were made by.</summary>
    [Id(2)] public long PolicyVersion { get; init; }

    /// <summary>With the periods that concern this volume; null = points by <see cref="PointPeriod"/> and nothing else.</summary>
    [Id(3)] public BackupPolicy? Policy { get; init; }

    [Id(4)] public OpeningCalendar? Calendar { get; init; }

    [Id(5)] public CopyMode CopyMode { get; init; } = CopyMode.Stream;

    /// <summary>Where its copies belong.</summary>
    [Id(6)] public IReadOnlyList<VolumeCopy> Copies { get; init; } = [];

    /// <summary>It holds programs and configuration: its role and epoch are its own, only backups are taken of it.</summary>
    [Id(7)] public bool IsApplication { get; init; }

    /// <summary>The volume of the same system that does; null = this one, or none.</summary>
    [Id(8)] public string? ApplicationVolume { get; init; }
}

/// <summary>An appliance that holds a copy, and <c>host:port</c> of its replication listener.</summary>
[GenerateSerializer, Immutable, Alias("dr.VolumeCopy")]
public sealed record VolumeCopy([property: Id(0)] DeviceId Appliance, [property: Id(1)] string? Replication);

[GenerateSerializer, Immutable, Alias("dr.VolumeView")]
public sealed record VolumeView
{
    [Id(0)] public required string Name { get; init; }

    [Id(1)] public required SystemId System { get; init; }

    [Id(2)] public required IReadOnlyList<CopyView> Copies { get; init; }

    /// <summary>The newest, newest first.</summary>
    [Id(3)] public IReadOnlyList<PointInfo> NewestPoints { get; init; } = [];

    [Id(4)] public DateTimeOffset? NextPointAt { get; init; }

    [Id(5)] public string? LastPointProblem { get; init; }

    /// <summary>Each kind of backup that its policy asks for.</summary>
    [Id(6)] public IReadOnlyList<BackupView> Backups { get; init; } = [];

    /// <summary>Version of the policies that it works by.</summary>
    [Id(7)] public long PolicyVersion { get; init; }

    /// <summary>What of the policy has not reached the appliances, in words.</summary>
    [Id(8)] public IReadOnlyList<string> PolicyProblems { get; init; } = [];
}

/// <summary>One copy on one appliance.</summary>
[GenerateSerializer, Immutable, Alias("dr.CopyView")]
public sealed record CopyView
{
    [Id(0)] public required DeviceId Appliance { get; init; }

    [Id(1)] public required VolumeStatus Status { get; init; }

    [Id(2)] public required DateTimeOffset ReportedAt { get; init; }
}
