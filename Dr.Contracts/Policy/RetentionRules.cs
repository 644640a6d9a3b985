namespace Dr.Contracts.Policy;

/// <summary>What the volumes of a policy keep, pushed to every appliance that holds a copy; what is null stays as the appliance has it.</summary>
[GenerateSerializer, Immutable, Alias("dr.RetentionRules")]
public sealed record RetentionRules
{
    /// <summary>How automatic points are thinned, youngest tier first.</summary>
    [Id(0)] public IReadOnlyList<RetentionTier>? Keep { get; init; }

    /// <summary>How long points that somebody asked for are kept; zero = until they are deleted.</summary>
    [Id(1)] public TimeSpan? KeepManual { get; init; }

    /// <summary>How long any moment can be opened, whatever points are kept.</summary>
    [Id(2)] public TimeSpan? FineWindow { get; init; }

    /// <summary>On a full disk the oldest history goes; otherwise writes are refused.</summary>
    [Id(3)] public bool? HistoryGivesWay { get; init; }

    public bool Equals(RetentionRules? other) =>
        other is not null && KeepManual == other.KeepManual && FineWindow == other.FineWindow && HistoryGivesWay == other.HistoryGivesWay
        && (Keep is null ? other.Keep is null : other.Keep is not null && Keep.SequenceEqual(other.Keep));

    public override int GetHashCode() => HashCode.Combine(KeepManual, FineWindow, HistoryGivesWay, Keep?.Count);
}
