namespace Dr.Contracts.Policy;

/// <summary>One date that is not like its day of the week: a holiday, or a day with hours of its own.</summary>
/// <param name="Hours">Null = closed.</param>
/// <param name="Name">For people: "Spring Festival".</param>
[GenerateSerializer, Immutable, Alias("dr.CalendarDay")]
public sealed record CalendarDay([property: Id(0)] DateOnly Date, [property: Id(1)] OpeningHours? Hours, [property: Id(2)] string? Name);
