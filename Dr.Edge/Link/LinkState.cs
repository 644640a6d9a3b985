namespace Dr.Edge.Link;

/// <summary>What outlives a connection: the boot, the beat counter, the configuration in force.</summary>
internal sealed class LinkState
{
    private DeviceConfig _config = new() { Version = 0 };
    private long _beatSequence;

    /// <summary>Random per start of the process.</summary>
    public string BootId { get; } = Guid.NewGuid().ToString("N");

    public DeviceConfig Config
    {
        get => Volatile.Read(ref _config);
        set => Volatile.Write(ref _config, value);
    }

    /// <summary>True between the birth and the end of a connection.</summary>
    public bool Connected { get; set; }

    /// <summary>The epoch of the last connect; 0 before the first.</summary>
    public long DeviceEpoch { get; set; }

    /// <summary>The epoch of the last session of this process that got as far as its birth; 0 before the first.</summary>
    public long LastSessionEpoch { get; set; }

    public string? LastTrouble { get; set; }

    public long NextBeatSequence() => Interlocked.Increment(ref _beatSequence);
}
