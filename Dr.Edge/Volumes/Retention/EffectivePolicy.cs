namespace Dr.Edge.Volumes.Retention;

/// <summary>The policy a volume lives by: its own where it has one, the appliance's configuration elsewhere, and below both the built-in defaults.</summary>
internal sealed record EffectivePolicy
{
    /// <summary>
    /// A point every five minutes in which something was written: whoever protects a volume expects that there is something to go back to. The tiers ask for at most 72 + 36 + 72 + 23 = 203 points at five minutes, so that 50 points of people have room beside them. 24 hours of
    /// fine window cover a working day and the night before it.
    /// </summary>
    public static readonly EffectivePolicy BuiltIn = new()
    {
        PointsEvery = TimeSpan.FromMinutes(5),
        Keep =
        [
            new RetentionTier(TimeSpan.FromHours(6), TimeSpan.FromMinutes(5)),
            new RetentionTier(TimeSpan.FromDays(1), TimeSpan.FromMinutes(30)),
            new RetentionTier(TimeSpan.FromDays(7), TimeSpan.FromHours(2)),
            new RetentionTier(TimeSpan.FromDays(30), TimeSpan.FromDays(1)),
        ],
        KeepManual = TimeSpan.Zero,
        FineWindow = TimeSpan.FromHours(24),
        WhenFull = FullPolicy.RefuseWrites,
    };

    /// <summary>Zero = no automatic points.</summary>
    public required TimeSpan PointsEvery { get; init; }

    /// <summary>Youngest tier first; empty = automatic points are only thinned by the number a volume can hold.</summary>
    public required IReadOnlyList<RetentionTier> Keep { get; init; }

    /// <summary>Zero = until they are deleted.</summary>
    public required TimeSpan KeepManual { get; init; }

    public required TimeSpan FineWindow { get; init; }

    public required FullPolicy WhenFull { get; init; }

    /// <summary>How far back history is wanted: as the fine window is, or as the last tier where automatic points are taken.</summary>
    public TimeSpan Reach => PointsEvery > TimeSpan.Zero && Keep.Count > 0 && Keep[^1].Within > FineWindow ? Keep[^1].Within : FineWindow;

    /// <summary>This policy with what <paramref name="own"/> says put over it.</summary>
    public EffectivePolicy With(VolumePolicy? own) => own is null
        ? this
        : new EffectivePolicy
        {
            PointsEvery = own.PointsEvery ?? PointsEvery,
            Keep = own.Keep ?? Keep,
            KeepManual = own.KeepManual ?? KeepManual,
            FineWindow = own.FineWindow ?? FineWindow,
            WhenFull = own.WhenFull ?? WhenFull,
        };
}
