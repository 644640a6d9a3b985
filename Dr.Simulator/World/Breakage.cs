namespace Dr.Simulator.World;

/// <summary>What a fault really breaks.</summary>
internal enum BreakageKind
{
    /// <summary>Processes end.</summary>
    ProcessCrash,

    /// <summary>Processes run and answer wrongly, or not at all.</summary>
    ProcessHang,

    /// <summary>The machine is gone.</summary>
    HostDown,

    /// <summary>Files or tables are damaged; a faithful copy has the damage too.</summary>
    DataDamage,

    /// <summary>The way to the disks.</summary>
    StoragePath,

    /// <summary>A line, switch, firewall or the power of a floor: <see cref="Breakage.Part"/>.</summary>
    NetworkPart,

    /// <summary>The machine room with everything in it.</summary>
    SiteLost,
}

/// <param name="Part">The part of the network that is broken.</param>
/// <param name="Lasts">Known from the text; null = until closing time, as the log counts whole service days.</param>
internal sealed record Breakage(BreakageKind Kind, string? Part = null, TimeSpan? Lasts = null)
{
    public override string ToString() => Part is null ? Kind.ToString() : $"{Kind} {Part}";
}
