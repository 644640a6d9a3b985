namespace Dr.Edge.Volumes.Space;

/// <summary>Section <c>space</c>.</summary>
internal sealed class SpaceConfig
{
    /// <summary>Space that clients never get, for example <c>2GiB</c>; null = by the size of the file system (<see cref="SpaceLimits"/>).</summary>
    public string? Reserve { get; set; }

    internal long? ReserveBytes => Reserve is null ? null : Quantities.ParseSize(Reserve, "space: reserve");
}
