namespace Dr.Contracts.Grains;

/// <summary>
/// A synthetic kill: the device marks its beats for a while, and a second detector takes no notice of marked ones. Leases, reports and the real detector go on as always, so whatever
/// comes of it nobody's ownership is touched.
/// </summary>
[GenerateSerializer, Immutable, Alias("dr.DetectionTest")]
public sealed record DetectionTest
{
    [Id(0)] public required CommandId Id { get; init; }

    [Id(1)] public required DeviceId Device { get; init; }

    [Id(2)] public required string Class { get; init; }

    [Id(3)] public required string Actor { get; init; }

    [Id(4)] public required DateTimeOffset OrderedAt { get; init; }

    /// <summary>When the device began; null = it has not said so yet.</summary>
    [Id(5)] public DateTimeOffset? StoppedAt { get; init; }

    [Id(6)] public DateTimeOffset? SuspectedAt { get; init; }

    /// <summary>From the stop to the suspicion.</summary>
    [Id(7)] public double? Seconds { get; init; }

    /// <summary>What the formulas promise at the most: expected arrival, what the class allows, a period, and the observer's tick.</summary>
    [Id(8)] public double? BoundSeconds { get; init; }

    /// <summary>Why it came to nothing.</summary>
    [Id(9)] public string? Problem { get; init; }

    public bool IsOver => SuspectedAt is not null || Problem is not null;
}

/// <summary>How well one class of devices is watched.</summary>
[GenerateSerializer, Immutable, Alias("dr.DetectorClassView")]
public sealed record DetectorClassView
{
    [Id(0)] public required string Class { get; init; }

    [Id(1)] public required TimeSpan BusyPeriod { get; init; }

    [Id(2)] public required TimeSpan IdlePeriod { get; init; }

    [Id(3)] public required TimeSpan BusyDeadline { get; init; }

    [Id(4)] public required TimeSpan IdleDeadline { get; init; }

    /// <summary>Device hours followed since the silos started.</summary>
    [Id(5)] public double FollowedHours { get; init; }

    /// <summary>Suspicions of devices that had never stopped.</summary>
    [Id(6)] public long Mistakes { get; init; }

    /// <summary>T_MR, hours; null without a mistake.</summary>
    [Id(7)] public double? HoursBetweenMistakes { get; init; }

    /// <summary>T_M, seconds; null without a mistake.</summary>
    [Id(8)] public double? MistakeSeconds { get; init; }

    /// <summary>P_A; null before anything was followed.</summary>
    [Id(9)] public double? Accuracy { get; init; }

    /// <summary>Suspicions that were right.</summary>
    [Id(10)] public long Detections { get; init; }

    /// <summary>Synthetic kills, and T_D in seconds over them.</summary>
    [Id(11)] public int Tests { get; init; }

    [Id(12)] public double? DetectionP50Seconds { get; init; }

    [Id(13)] public double? DetectionP95Seconds { get; init; }

    [Id(14)] public double? DetectionMaxSeconds { get; init; }
}

/// <summary>Why a suspicion ended as it did: who saw what, when. Kept as it was at the moment of the finding.</summary>
[GenerateSerializer, Immutable, Alias("dr.EvidenceBundle")]
public sealed record EvidenceBundle
{
    [Id(0)] public required string Id { get; init; }

    [Id(1)] public required SystemId System { get; init; }

    [Id(2)] public required DateTimeOffset At { get; init; }

    [Id(3)] public required DeviceId Suspect { get; init; }

    /// <summary>The epoch at which it owned.</summary>
    [Id(4)] public required Epoch Epoch { get; init; }

    /// <summary>What was found, with its reasons.</summary>
    [Id(5)] public required string Scope { get; init; }

    [Id(6)] public required IReadOnlyList<string> Reasons { get; init; }

    /// <summary>Ways of knowing, and how many of them are independent.</summary>
    [Id(7)] public required string Kinds { get; init; }

    [Id(8)] public required int IndependentKinds { get; init; }

    [Id(9)] public double? Phi { get; init; }

    [Id(10)] public DateTimeOffset? LastHeard { get; init; }

    [Id(11)] public int ProbesSent { get; init; }

    [Id(12)] public int ProbesAnswered { get; init; }

    [Id(13)] public IReadOnlyList<WitnessView> Witnesses { get; init; } = [];

    /// <summary>Other devices of the suspect's site, and how many of them were silent.</summary>
    [Id(14)] public int SiteDevices { get; init; }

    [Id(15)] public int SiteDevicesSilent { get; init; }

    /// <summary>The smallest thing that explains many silences at once; null when there were not many.</summary>
    [Id(16)] public string? SharedCause { get; init; }

    /// <summary>The observer had had no trouble of its own since then.</summary>
    [Id(17)] public DateTimeOffset ObserverTrustedSince { get; init; }
}

[GenerateSerializer, Immutable, Alias("dr.WitnessView")]
public sealed record WitnessView
{
    [Id(0)] public required DeviceId Witness { get; init; }

    [Id(1)] public required SiteId Site { get; init; }

    /// <summary>The line by which it looked: several behind one line are one.</summary>
    [Id(2)] public required string Path { get; init; }

    [Id(3)] public required bool Reachable { get; init; }

    [Id(4)] public required bool TransactionFailed { get; init; }

    [Id(5)] public required DateTimeOffset At { get; init; }
}
