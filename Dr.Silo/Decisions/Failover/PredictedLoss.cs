namespace Dr.Silo.Decisions.Failover;

/// <summary>The last write that clients saw answered, against the position of the copy that would take over.</summary>
[GenerateSerializer, Immutable, Alias("dr.PredictedLoss")]
public sealed record PredictedLoss
{
    /// <summary>A limit that accepts every loss, also one that nobody knows.</summary>
    public static readonly TimeSpan Anything = TimeSpan.MaxValue;

    /// <summary>Age of the copy's content behind the owner's; null when nobody knows, which is never "zero".</summary>
    [Id(0)] public TimeSpan? Age { get; init; }

    /// <summary>Writes the copy lacks; null when unknown.</summary>
    [Id(1)] public long? Writes { get; init; }

    [Id(2)] public required string Basis { get; init; }

    /// <summary>
    /// <paramref name="ownerAppended"/> and <paramref name="ownerSeenAt"/> come from the owner's last report, <paramref name="copyDurable"/> and
    /// <paramref name="copyCurrentAsOf"/> from the copy's. Writes the owner answered after its last report are unknown to us, so the age runs to
    /// <paramref name="lostAt"/>, the last moment at which it can have answered a client.
    /// </summary>
    public static PredictedLoss Between(
        SequenceNumber? ownerAppended, DateTimeOffset? ownerSeenAt, SequenceNumber? copyDurable, DateTimeOffset? copyCurrentAsOf, DateTimeOffset lostAt, bool synchronous)
    {
        if (synchronous)
        {
            return new PredictedLoss { Age = TimeSpan.Zero, Writes = 0, Basis = "Synchronous copy: every answered write is on both sides." };
        }

        if (copyCurrentAsOf is not { } asOf)
        {
            return new PredictedLoss { Basis = "The copy has not said what moment it holds." };
        }

        var age = lostAt > asOf ? lostAt - asOf : TimeSpan.Zero;
        long? writes = ownerAppended is { } a && copyDurable is { } d ? Math.Max(0, a.Value - d.Value) : null;
        var known = ownerSeenAt is { } seen ? $"the owner was last heard at {seen:O}" : "the owner's position is unknown";
        return new PredictedLoss { Age = age, Writes = writes, Basis = $"The copy holds {asOf:O}; {known}; it may have answered clients until {lostAt:O}." };
    }

    /// <summary>Nothing: the copy durably has the write that the old owner says was its last.</summary>
    public static PredictedLoss None(SequenceNumber last) => new() { Age = TimeSpan.Zero, Writes = 0, Basis = $"The old owner stopped after write {last}, and the copy has it." };

    /// <summary>Nobody knows: what the copy holds at <paramref name="at"/> is not what the owner wrote there, so its position says nothing before it has gone back.</summary>
    public static PredictedLoss Differing(SequenceNumber at) => new() { Basis = $"The copy's write {at} is not its owner's: it goes back to an older point and is made equal, and until then it is not known from where on they differ." };

    /// <summary>True when the age is known and not above <paramref name="limit"/>, or when the limit is <see cref="Anything"/>.</summary>
    public bool IsWithin(TimeSpan limit) => limit == Anything || (Age is { } age && age <= limit);
}
