namespace Dr.Edge.Link;

/// <summary>The highest ownership epoch this device has seen per system; it only grows, and survives a crash.</summary>
internal abstract class EpochMemory
{
    /// <summary>The highest seen; <c>default</c> when none was.</summary>
    public abstract Epoch Highest(SystemId system);

    /// <summary>
    /// Remembers <paramref name="epoch"/> and returns after it is on disk. False when a higher one had been seen: the caller must refuse. Equal to the
    /// highest is true.
    /// </summary>
    public abstract Task<bool> SeeAsync(SystemId system, Epoch epoch, CancellationToken cancellationToken);
}
