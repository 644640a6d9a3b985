namespace Dr.Silo.Grains;

/// <summary>What a volume's grain keeps over restarts.</summary>
[GenerateSerializer, Alias("dr.VolumeRecord")]
public sealed record VolumeRecord
{
    [Id(0)] public VolumeSettings? Settings { get; init; }

    [Id(1)] public DeviceId? Owner { get; init; }

    [Id(2)] public Epoch Epoch { get; init; }

    [Id(3)] public DateTimeOffset? NextPointAt { get; init; }

    /// <summary>The point that is being taken.</summary>
    [Id(4)] public CommandId? Pending { get; init; }

    [Id(5)] public string? LastProblem { get; init; }
}
