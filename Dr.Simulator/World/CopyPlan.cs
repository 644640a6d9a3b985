namespace Dr.Simulator.World;

/// <summary>How changes get to the other site.</summary>
internal enum CopyPlan
{
    /// <summary>Every write at once, in order; every second can be opened again.</summary>
    Stream,

    /// <summary>A point every five minutes (or as the policy says), and the difference to the last one.</summary>
    Points,

    /// <summary>Only what table 2 schedules: fulls, incrementals, differentials, application backups.</summary>
    Schedule,
}
