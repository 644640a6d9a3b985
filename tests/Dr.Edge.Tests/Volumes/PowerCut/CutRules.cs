namespace Dr.Edge.Tests.Volumes.PowerCut;

/// <summary>What a file system promises about things that were not flushed.</summary>
internal enum CutRules
{
    /// <summary>
    /// As ext4 and xfs do: names and lengths change through one journal, so that a crash leaves a prefix of these changes, and any flush brings all of them so far along.
    /// Space that was never written reads as zeros.
    /// </summary>
    Journaled,

    /// <summary>As POSIX allows: each name is on its own and sure only after a flush of its directory; what was never written may be anything.</summary>
    Strict,
}

/// <summary>Which of the writes that were not flushed reached the disk.</summary>
internal enum CutStyle
{
    Nothing,
    Everything,

    /// <summary>Each file all or nothing.</summary>
    Files,

    /// <summary>In order up to some write, which is torn between two sectors.</summary>
    Prefix,

    /// <summary>Each write by itself.</summary>
    Writes,

    /// <summary>Each sector of each write by itself.</summary>
    Sectors,

    /// <summary>The later a write, the likelier.</summary>
    LateFirst,
}
