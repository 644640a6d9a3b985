namespace Dr.Silo.Decisions.Detection;

/// <summary>
/// Measured quality of one class of devices: what Chen's figures come from. A mistake is a suspicion that ended with a beat of the same boot: the device had never stopped. Sums only, so that
/// those of many devices and silos add up.
/// </summary>
[GenerateSerializer, Immutable, Alias("dr.DetectorQuality")]
public sealed record DetectorQuality
{
    /// <summary>Detection times kept for the percentiles.</summary>
    public const int TimesKept = 256;

    public static DetectorQuality None { get; } = new();

    /// <summary>Time in which living devices were followed, suspected or not.</summary>
    [Id(0)] public TimeSpan Followed { get; init; }

    [Id(1)] public long Mistakes { get; init; }

    [Id(2)] public TimeSpan MistakenFor { get; init; }

    /// <summary>Suspicions that were right: the device came back with another boot, or has not come back.</summary>
    [Id(3)] public long Detections { get; init; }

    /// <summary>Seconds from a stop to the suspicion, of synthetic kills; newest last.</summary>
    [Id(4)] public IReadOnlyList<double> DetectionSeconds { get; init; } = [];

    /// <summary>P_A; null before anything was followed.</summary>
    public double? Accuracy => Followed > TimeSpan.Zero ? Math.Clamp(1 - (MistakenFor / Followed), 0, 1) : null;

    /// <summary>E(T_MR); null without a mistake.</summary>
    public TimeSpan? MistakeRecurrence => Mistakes > 0 ? Followed / Mistakes : null;

    /// <summary>E(T_M); null without a mistake.</summary>
    public TimeSpan? MistakeDuration => Mistakes > 0 ? MistakenFor / Mistakes : null;

    public DetectorQuality FollowedFor(TimeSpan time) => this with { Followed = Followed + time };

    public DetectorQuality Mistaken(TimeSpan duration) => this with { Mistakes = Mistakes + 1, MistakenFor = MistakenFor + duration, Followed = Followed + duration };

    public DetectorQuality Detected() => this with { Detections = Detections + 1 };

    public DetectorQuality Killed(TimeSpan detectedAfter) => this with { DetectionSeconds = [.. DetectionSeconds.TakeLast(TimesKept - 1), detectedAfter.TotalSeconds] };

    public DetectorQuality Plus(DetectorQuality other)
    {
        ArgumentNullException.ThrowIfNull(other);
        return new DetectorQuality
        {
            Followed = Followed + other.Followed,
            Mistakes = Mistakes + other.Mistakes,
            MistakenFor = MistakenFor + other.MistakenFor,
            Detections = Detections + other.Detections,
            DetectionSeconds = [.. DetectionSeconds.Concat(other.DetectionSeconds).TakeLast(TimesKept)],
        };
    }

    /// <summary>The nearest-rank percentile of the synthetic kills; null without one.</summary>
    public double? DetectionPercentile(double share)
    {
        var sorted = DetectionSeconds.Order().ToArray();
        return sorted.Length == 0 ? null : sorted[Math.Clamp((int)Math.Ceiling(share * sorted.Length) - 1, 0, sorted.Length - 1)];
    }
}
