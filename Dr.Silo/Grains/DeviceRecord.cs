namespace Dr.Silo.Grains;

/// <summary>What a device's grain keeps over restarts. Presence is not in it: it is learnt anew from the beats.</summary>
[GenerateSerializer, Alias("dr.DeviceRecord")]
public sealed record DeviceRecord
{
    [Id(0)] public long DeviceEpoch { get; init; }

    [Id(1)] public Birth? Birth { get; init; }

    [Id(2)] public DeviceSettings? Settings { get; init; }

    /// <summary>Ownership as this device is to know it.</summary>
    [Id(3)] public IReadOnlyDictionary<SystemId, Epoch> Epochs { get; init; } = new Dictionary<SystemId, Epoch>();

    /// <summary>Grows with each change of what is pushed.</summary>
    [Id(4)] public long ConfigVersion { get; init; }

    /// <summary>Open commands, and the finished ones of late with their results; oldest first.</summary>
    [Id(5)] public IReadOnlyList<OutboxCommand> Outbox { get; init; } = [];

    /// <summary>Where the systems are that it follows, or followed.</summary>
    [Id(6)] public IReadOnlyDictionary<SystemId, ActiveSite> ActiveSites { get; init; } = new Dictionary<SystemId, ActiveSite>();
}

/// <summary>A command and, once it is final, its result.</summary>
[GenerateSerializer, Immutable, Alias("dr.OutboxCommand")]
public sealed record OutboxCommand
{
    [Id(0)] public required DeviceCommand Command { get; init; }

    [Id(1)] public CommandResult? Result { get; init; }

    /// <summary>The asker has taken the result. A lost mark only means that it is told twice.</summary>
    [Id(2)] public bool Told { get; init; }

    public bool IsOpen => Result is null;
}
