namespace Dr.Edge.Mirroring;

/// <summary>What one <c>dr-edge mirror run</c> was told.</summary>
internal sealed record MirrorOptions
{
    /// <summary>A block device, an image file or a directory.</summary>
    public required string Source { get; init; }

    public required string Volume { get; init; }

    /// <summary><c>unix:/path</c> or <c>tcp:host:port</c>.</summary>
    public required string Nbd { get; init; }

    /// <summary>For the state file and the attachment.</summary>
    public required string StateDirectory { get; init; }

    /// <summary>Time from the beginning of one round to that of the next.</summary>
    public required TimeSpan Every { get; init; }

    public bool Once { get; init; }

    /// <summary>Compare contents in the first round, whatever is known.</summary>
    public bool Verify { get; init; }

    /// <summary>The volume may hold something else.</summary>
    public bool Overwrite { get; init; }

    /// <summary>Compare files by their contents and not by size and time of change.</summary>
    public bool ByHash { get; init; }

    /// <summary>Of the volume when the source is a directory.</summary>
    public string FileSystem { get; init; } = "ext4";

    /// <summary><c>fsfreeze</c>, <c>command</c>, <c>postgresql</c>, or null: nobody is asked to be quiet.</summary>
    public string? Quiesce { get; init; }

    public string? Freeze { get; init; }

    public string? Thaw { get; init; }

    /// <summary>Prints the path of a device that stays as the source is at that moment.</summary>
    public string? Snapshot { get; init; }

    /// <summary>Takes the snapshot away; it gets its path as <c>DR_SNAPSHOT</c>.</summary>
    public string? Release { get; init; }

    /// <summary>For backup mode.</summary>
    public string? Connection { get; init; }

    /// <summary>How long the source may be held still.</summary>
    public TimeSpan Timeout { get; init; } = TimeSpan.FromSeconds(10);

    public string StatePath => Path.Combine(StateDirectory, Volume + ".mirror");
}

/// <summary>One round of a mirror.</summary>
internal sealed record MirrorRound
{
    public required DateTimeOffset At { get; init; }

    /// <summary>Nothing had changed, so nothing was read.</summary>
    public bool Unchanged { get; init; }

    public long ReadBytes { get; init; }

    /// <summary>Units of 512 bytes, of a block source.</summary>
    public long ChangedUnits { get; init; }

    /// <summary>Of a directory.</summary>
    public long ChangedFiles { get; init; }

    public double Seconds { get; init; }

    public string? Point { get; init; }

    public string? Consistency { get; init; }

    public string? Reason { get; init; }
}
