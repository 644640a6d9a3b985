using Dr.Contracts.Wire;

namespace Dr.Edge.Replication;

/// <summary>What a source does next for one target.</summary>
internal abstract record SourceStep
{
    private SourceStep()
    {
    }

    /// <summary>Ship the journal from here on; <paramref name="UntilPoint"/>: only up to the next point, because deltas go from point to point.</summary>
    public sealed record Journal(SequenceNumber After, bool UntilPoint) : SourceStep;

    /// <summary>Send the delta from the base (null: from nothing) to the target point (null: take one now), from this block on.</summary>
    /// <param name="ByDigests">The base is the target's own point: what differs from it is found by comparing digests.</param>
    /// <param name="ByMap">The base is the target's own point: what was written since is in the change map.</param>
    public sealed record Delta(PointMark? Base, PointMark? Target, long FromBlock, bool ByDigests = false, bool ByMap = false) : SourceStep;

    /// <summary>Have the target keep what it has beyond this position as a clone and go back to it.</summary>
    public sealed record Rewind(SequenceNumber To) : SourceStep;

    /// <summary>Nothing until there is a newer point.</summary>
    public sealed record AwaitPoint(PointMark Newest) : SourceStep;

    /// <summary>Do nothing and say why.</summary>
    public sealed record Refuse(RefusalCode Code, string Reason) : SourceStep;
}
