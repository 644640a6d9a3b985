namespace Dr.Contracts.Grains;

public enum Severity
{
    Information,
    Warning,
    Critical,
}

/// <summary>Something that happened, in the order of <see cref="Id"/>; what the event stream carries.</summary>
[GenerateSerializer, Immutable, Alias("dr.EventRecord")]
public sealed record EventRecord
{
    /// <summary>Grows without going back; a reader resumes after the last one it has.</summary>
    [Id(0)] public long Id { get; init; }

    [Id(1)] public required DateTimeOffset At { get; init; }

    /// <summary><c>system.phase</c>, <c>run.step</c>, <c>run.state</c>, <c>device.presence</c>, <c>volume.point</c> …</summary>
    [Id(2)] public required string Kind { get; init; }

    /// <summary>Id of the system, device, volume, site or run.</summary>
    [Id(3)] public required string Subject { get; init; }

    [Id(4)] public Severity Severity { get; init; }

    /// <summary>One sentence.</summary>
    [Id(5)] public required string Text { get; init; }

    [Id(6)] public IReadOnlyDictionary<string, string> Data { get; init; } = new Dictionary<string, string>();
}

/// <summary>One entry of the audit: never changed, never deleted, chained by hash to the one before.</summary>
[GenerateSerializer, Immutable, Alias("dr.AuditRecord")]
public sealed record AuditRecord
{
    [Id(0)] public long Sequence { get; init; }

    [Id(1)] public required DateTimeOffset At { get; init; }

    [Id(2)] public required string Actor { get; init; }

    /// <summary>What was done, for example <c>phase</c>, <c>ownership</c>, <c>run.start</c>.</summary>
    [Id(3)] public required string Action { get; init; }

    [Id(4)] public required string Subject { get; init; }

    [Id(5)] public Epoch Epoch { get; init; }

    [Id(6)] public required string Text { get; init; }

    [Id(7)] public IReadOnlyDictionary<string, string> Evidence { get; init; } = new Dictionary<string, string>();

    /// <summary>SHA-256, hexadecimal, over the previous entry's hash and this entry.</summary>
    [Id(8)] public string Hash { get; init; } = "";
}
