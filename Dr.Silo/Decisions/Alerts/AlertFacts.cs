using Dr.Contracts.Grains;

namespace Dr.Silo.Decisions.Alerts;

/// <summary>What was found in one round; everything that alerts are made of.</summary>
public sealed record AlertFacts
{
    public required DateTimeOffset At { get; init; }

    public IReadOnlyList<SystemView> Systems { get; init; } = [];

    public IReadOnlyList<SiteView> Sites { get; init; } = [];

    public IReadOnlyList<DeviceView> Devices { get; init; } = [];

    /// <summary>What this silo cannot reach: <c>database</c>, <c>broker</c> or <c>silo:NAME</c>, and a sentence.</summary>
    public IReadOnlyDictionary<string, string> Lost { get; init; } = new Dictionary<string, string>();

    /// <summary>Seconds that a step of a kind of run takes in 95 of 100 cases; key <c>KIND/STEP</c>.</summary>
    public IReadOnlyDictionary<string, double> StepSeconds { get; init; } = new Dictionary<string, double>();

    /// <summary>The last drill of a system that ended well.</summary>
    public IReadOnlyDictionary<SystemId, DateTimeOffset> Drilled { get; init; } = new Dictionary<SystemId, DateTimeOffset>();

    /// <summary>When a writer of a lower epoch, or a gateway that reads back wrong, was last seen, and how.</summary>
    public IReadOnlyDictionary<SystemId, (DateTimeOffset At, string Text)> StaleWriters { get; init; } = new Dictionary<SystemId, (DateTimeOffset, string)>();

    /// <summary>Part of the promised history that is there, 0–1; only of systems whose policy promises one.</summary>
    public IReadOnlyDictionary<SystemId, double> HistoryKept { get; init; } = new Dictionary<SystemId, double>();

    /// <summary>Systems for which the other site has no room, and why.</summary>
    public IReadOnlyDictionary<SystemId, string> CapacityShort { get; init; } = new Dictionary<SystemId, string>();

    /// <summary>Devices for which the detector cannot keep what their class promises, and why.</summary>
    public IReadOnlyDictionary<DeviceId, string> BoundNotMet { get; init; } = new Dictionary<DeviceId, string>();

    /// <summary>How far a device's clock is off by what its beats say, seconds, never negative.</summary>
    public IReadOnlyDictionary<DeviceId, double> SkewSeconds { get; init; } = new Dictionary<DeviceId, double>();

    /// <summary>The newest certificate of each name that was not withdrawn and is past its renewal.</summary>
    public IReadOnlyList<CertificateEnd> Certificates { get; init; } = [];

    /// <summary>A certificate that has ended stays in view this long, then its device is taken for gone.</summary>
    public static readonly TimeSpan EndedCertificateSeen = TimeSpan.FromDays(30);

    /// <summary>A system whose volume is at least this large is drilled weekly, not daily.</summary>
    public const long LargeBytes = 1L << 40;

    /// <summary>A stale writer stays in view this long after it was seen.</summary>
    public static readonly TimeSpan StaleWriterSeen = TimeSpan.FromMinutes(10);

    /// <summary>What of <see cref="Lost"/> explains that other things look wrong: without database or broker nobody is heard. The other silos go on without a lost one.</summary>
    internal IEnumerable<string> DeafBy => Lost.Keys.Where(lost => !lost.StartsWith("silo:", StringComparison.Ordinal));

    internal long SizeOf(SystemView system) => Devices.SelectMany(d => d.Volumes).Where(v => v.Name == system.Volume).Select(v => v.SizeBytes).DefaultIfEmpty().Max();
}
