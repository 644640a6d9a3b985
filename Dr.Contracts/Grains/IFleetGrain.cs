using Orleans.Concurrency;

namespace Dr.Contracts.Grains;

/// <summary>
/// Every device and what it depends on, key = <see cref="Key"/>: tells many silences at once from many faults, and gathers what the silos have measured of their detectors. All of it is in memory,
/// and told anew by devices and silos. Reports and questions interleave: they only touch memory, and a device whose beat waits for its report must not wait for a view.
/// </summary>
[Alias("dr.IFleetGrain")]
public interface IFleetGrain : IGrainWithStringKey
{
    const string Key = "fleet";

    /// <summary>Devices with where they stand; those that are not named any more are forgotten.</summary>
    [Alias("Configure")]
    Task ConfigureAsync(IReadOnlyList<FleetMember> members);

    [Alias("OnPresence"), AlwaysInterleave]
    Task OnPresenceAsync(FleetMember member, bool alive);

    /// <summary>The smallest thing that explains the silences around this device; null while they are not a mass.</summary>
    [Alias("CauseOf"), AlwaysInterleave]
    Task<SharedCauseView?> CauseOfAsync(DeviceId device);

    /// <summary>One silo's sums since its start; the newest of each silo counts.</summary>
    [Alias("Measured"), AlwaysInterleave]
    Task MeasuredAsync(string silo, IReadOnlyList<MeasuredClass> classes);

    [Alias("Get"), AlwaysInterleave]
    Task<DetectorView> GetAsync();
}

/// <summary>What a device depends on, from near to far.</summary>
[GenerateSerializer, Immutable, Alias("dr.FleetMember")]
public sealed record FleetMember
{
    [Id(0)] public required DeviceId Device { get; init; }

    [Id(1)] public required SiteId Site { get; init; }

    /// <summary>Inside its site; null = none that is known.</summary>
    [Id(2)] public string? Switch { get; init; }

    /// <summary>By which its site reaches the broker; null = one of its own.</summary>
    [Id(3)] public string? Line { get; init; }
}

/// <summary>One thing that has failed, instead of many.</summary>
[GenerateSerializer, Immutable, Alias("dr.SharedCauseView")]
public sealed record SharedCauseView
{
    /// <summary><c>switch</c>, <c>site</c>, <c>line</c> or <c>broker</c>.</summary>
    [Id(0)] public required string Kind { get; init; }

    [Id(1)] public required string Name { get; init; }

    [Id(2)] public required int Silent { get; init; }

    [Id(3)] public required int Devices { get; init; }

    [Id(4)] public required DateTimeOffset Since { get; init; }

    public override string ToString() => string.Create(CultureInfo.InvariantCulture, $"{Kind} {Name}: {Silent} of {Devices} devices behind it are silent since {Since:HH:mm:ss}");
}

/// <summary>The sums of one class on one silo; the columns of Chen's figures.</summary>
[GenerateSerializer, Immutable, Alias("dr.MeasuredClass")]
public sealed record MeasuredClass
{
    [Id(0)] public required string Class { get; init; }

    [Id(1)] public TimeSpan Followed { get; init; }

    [Id(2)] public long Mistakes { get; init; }

    [Id(3)] public TimeSpan MistakenFor { get; init; }

    [Id(4)] public long Detections { get; init; }

    [Id(5)] public IReadOnlyList<double> DetectionSeconds { get; init; } = [];
}

/// <summary>The detector as people see it.</summary>
[GenerateSerializer, Immutable, Alias("dr.DetectorView")]
public sealed record DetectorView
{
    [Id(0)] public IReadOnlyList<DetectorClassView> Classes { get; init; } = [];

    [Id(1)] public int Devices { get; init; }

    [Id(2)] public int Silent { get; init; }

    /// <summary>What explains many silences at once; null = there are not many.</summary>
    [Id(3)] public SharedCauseView? Mass { get; init; }
}
