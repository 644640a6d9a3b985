namespace Dr.Silo.Decisions.Failover;

public enum FencingProofKind
{
    /// <summary>The old owner answered that it stopped and up to which write.</summary>
    OwnerStopped,

    /// <summary>The old owner's store was asked and refuses the old epoch.</summary>
    StoreRefuses,

    /// <summary>A fence device (power, switch port) confirmed.</summary>
    FenceDevice,

    /// <summary>The serving lease has run out by every clock.</summary>
    LeaseLapsed,

    /// <summary>The next owner is the present one under a new number, on the same store: there is no second writer.</summary>
    SameOwner,

    /// <summary>The system has no volume: two instances cannot write against each other.</summary>
    NothingToFence,

    /// <summary>Two people state that the old owner is off.</summary>
    Attested,
}

/// <summary>Why the old owner cannot write any more. Without one nothing is promoted.</summary>
[GenerateSerializer, Immutable, Alias("dr.FencingProof")]
public sealed record FencingProof
{
    [Id(0)] public required FencingProofKind Kind { get; init; }

    /// <summary>The epoch that can no longer write.</summary>
    [Id(1)] public required Epoch FencedEpoch { get; init; }

    [Id(2)] public required DateTimeOffset At { get; init; }

    /// <summary>Who or what says so.</summary>
    [Id(3)] public required string By { get; init; }

    /// <summary>The last write, when the old owner could still say.</summary>
    [Id(4)] public SequenceNumber? LastSequence { get; init; }

    /// <summary>The old owner is there, writes no more and says where it ends, by its answer or by a beat that came before it: until the copy has that write, what is missing may still be on its way.</summary>
    public bool SaysWhatIsLast => Kind is FencingProofKind.OwnerStopped or FencingProofKind.StoreRefuses && LastSequence is not null;
}
