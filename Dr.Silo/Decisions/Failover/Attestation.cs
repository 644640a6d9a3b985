namespace Dr.Silo.Decisions.Failover;

/// <summary>Two people state that the old owner is off. The first statement waits for the second for <see cref="Valid"/>; alone it proves nothing.</summary>
[GenerateSerializer, Immutable, Alias("dr.Attestation")]
public sealed record Attestation
{
    /// <summary>How long the first person's statement stands: what was seen in the machine room half an hour ago says little about now.</summary>
    public static readonly TimeSpan Valid = TimeSpan.FromMinutes(15);

    [Id(0)] public required string First { get; init; }

    [Id(1)] public required string Statement { get; init; }

    [Id(2)] public required DateTimeOffset At { get; init; }

    [Id(3)] public string? Second { get; init; }

    [Id(4)] public string? SecondStatement { get; init; }

    /// <summary>Two spellings of one name are one person.</summary>
    public static bool IsSamePerson(string left, string right)
    {
        ArgumentNullException.ThrowIfNull(left);
        ArgumentNullException.ThrowIfNull(right);
        return string.Equals(left.Trim(), right.Trim(), StringComparison.OrdinalIgnoreCase);
    }

    public bool IsComplete => Second is not null;

    public override string ToString() => IsComplete ? $"{First}: {Statement} {Second}: {SecondStatement}" : $"{First}: {Statement}";
}
