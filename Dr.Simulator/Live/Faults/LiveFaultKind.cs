namespace Dr.Simulator.Live.Faults;

/// <summary>What <c>--faults</c> takes.</summary>
internal enum LiveFaultKind
{
    /// <summary>SIGKILL: of one process, which its supervisor starts again, or of everything on a machine, which stays off for a while.</summary>
    Kill,

    /// <summary>SIGSTOP of everything on a machine, or of one process, and SIGCONT later: it goes on as if no time had passed.</summary>
    Freeze,

    /// <summary>A network line carries nothing, and nobody is told.</summary>
    Cut,

    /// <summary>A line gets narrow and late, or a machine runs a small share of the time.</summary>
    Slow,

    /// <summary>The file system below a volume store has no byte left.</summary>
    Fill,

    /// <summary>Bits of a copy's file are flipped while its machine is off.</summary>
    Corrupt,
}
