namespace Dr.Contracts.Policy;

/// <summary>What a scheduled backup brings about.</summary>
public enum BackupKind
{
    /// <summary>Changes since the last point: a point, and everything up to it durable at the other site.</summary>
    Incremental,

    /// <summary>Changes since the last full: the same, measured against that full.</summary>
    Differential,

    /// <summary>A point of the volumes that hold programs and configuration, at both sites.</summary>
    Application,

    /// <summary>A complete image, read whole against its checksums at both ends, with equal digests, and kept until the next one is proven.</summary>
    Full,
}
