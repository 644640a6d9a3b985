using Dr.Contracts.Mqtt;

namespace Dr.Edge.Volumes.Space;

/// <summary>
/// Keeps clients out of the reserve. Cheap: an allowance is counted down by every write, and the file system is asked again only when it is used up, or when somebody says that time has passed.
/// Every member may be called from any thread.
/// </summary>
/// <param name="probe">Asks the file system.</param>
/// <param name="configuredReserve">Bytes; null = by the size of the file system.</param>
internal sealed class SpaceGuard(Func<FileSystemUse> probe, long? configuredReserve)
{
    /// <summary>What may be written before the file system is asked again; others may be using it up too.</summary>
    public const long AllowanceBytes = 16L << 20;

    private readonly Lock _lock = new(); // Guards asking and the allowance that follows from it.
    private long _allowance;
    private volatile SpaceLevel _level;
    private long _refusedBytes;
    private long _sizeBytes;
    private long _availableBytes;
    private volatile bool _asked;
    private volatile IGivesWay? _givesWay;

    /// <summary>The last answer of the file system.</summary>
    public FileSystemUse Use => _asked ? new(Volatile.Read(ref _sizeBytes), Volatile.Read(ref _availableBytes)) : Refresh();

    public SpaceLimits Limits => SpaceLimits.For(Use.SizeBytes, configuredReserve);

    /// <summary>History should give way, and nothing that needs space for itself (a compaction) should begin.</summary>
    public bool IsShort => Use.AvailableBytes < Math.Max(Limits.GiveWayBytes, Limits.ReserveBytes + Volatile.Read(ref _refusedBytes));

    /// <summary>Clients' writes are refused.</summary>
    public bool IsFull => Use.AvailableBytes < Limits.ReserveBytes;

    /// <summary>How loud the alarm is, set by whoever raises it.</summary>
    public SpaceLevel Level
    {
        get => _level;
        set => _level = value;
    }

    /// <summary>Makes space for volumes whose history gives way; null where nobody does.</summary>
    public IGivesWay? GivesWay
    {
        get => _givesWay;
        set => _givesWay = value;
    }

    /// <summary>True when <paramref name="bytes"/> can be appended without touching the reserve; they are then counted as used.</summary>
    public bool TryAdmit(long bytes)
    {
        if (Interlocked.Add(ref _allowance, -bytes) >= 0)
        {
            return true;
        }

        lock (_lock)
        {
            var room = Probe().AvailableBytes - Limits.ReserveBytes;
            Volatile.Write(ref _allowance, Math.Clamp(room - bytes, 0, AllowanceBytes));

            // A write larger than what lies between the lines needs space made for it too.
            Volatile.Write(ref _refusedBytes, room >= bytes ? 0 : Math.Max(_refusedBytes, bytes));
            return room >= bytes;
        }
    }

    /// <summary>Asks the file system now: space may have come or gone without us.</summary>
    public FileSystemUse Refresh()
    {
        lock (_lock)
        {
            Volatile.Write(ref _allowance, 0);
            return Probe();
        }
    }

    private FileSystemUse Probe()
    {
        var use = probe();
        Volatile.Write(ref _sizeBytes, use.SizeBytes);
        Volatile.Write(ref _availableBytes, use.AvailableBytes);
        _asked = true;
        return use;
    }
}
