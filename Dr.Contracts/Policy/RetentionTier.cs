namespace Dr.Contracts.Policy;

/// <summary>Of the automatic points younger than <see cref="Within"/>, one is kept for each <see cref="Every"/>.</summary>
[GenerateSerializer, Immutable, Alias("dr.RetentionTier")]
public sealed record RetentionTier([property: Id(0)] TimeSpan Within, [property: Id(1)] TimeSpan Every);
