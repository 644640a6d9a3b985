namespace Dr.Silo.Decisions.Failover;

/// <summary>What a run is for. The verbs that people use (failover, move, drill) are never mixed; the other two follow from them.</summary>
public enum RunPurpose
{
    /// <summary>Unplanned; may lose what the copy had not received.</summary>
    Failover,

    /// <summary>Planned; loses nothing. A return to the home site is a move, too.</summary>
    Move,

    /// <summary>A drill never touches ownership.</summary>
    Drill,

    /// <summary>A person gives up what was written on trial and returns to the old copy.</summary>
    RollBack,

    /// <summary>A planned move was given up: the site that served before serves again, under a new epoch.</summary>
    Reinstate,
}
