namespace Dr.Edge.Link;

/// <summary>What outlives a connection: the boot, the beat counter, the configuration in force.</summary>
internal sealed class LinkState
{
    private readonly Lock _testGate = new(); // Guards _test: commands set it, beats read it.
    private DeviceConfig _config = new() { Version = 0 };
    private long _beatSequence;
    private (CommandId Id, long Since, TimeSpan For)? _test;

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

    /// <summary>Marks the beats from <paramref name="since"/> (monotonic) on.</summary>
    public void BeginTest(CommandId id, long since, TimeSpan markFor)
    {
        lock (_testGate)
        {
            _test = (id, since, markFor);
        }
    }

    /// <summary>The mark of a beat that is sent now; null outside a test.</summary>
    public CommandId? TestAt(TimeProvider time)
    {
        lock (_testGate)
        {
            return _test is { } test && time.GetElapsedTime(test.Since) < test.For ? test.Id : null;
        }
    }

    public long NextBeatSequence() => Interlocked.Increment(ref _beatSequence);
}
