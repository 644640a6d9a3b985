namespace Dr.Contracts.Policy;

/// <summary>How a system is taken over by the other site.</summary>
public enum TakeoverClass
{
    /// <summary>Class T: the data is promoted and the application is started at the other site.</summary>
    FullTakeover,

    /// <summary>Class R: users are pointed at the other site; promoting and starting are skipped when the instance there already runs.</summary>
    Repoint,
}

/// <summary>Who may start an unplanned takeover.</summary>
public enum Approval
{
    /// <summary>Evidence and policy suffice (needs a third vote for the store when two sites could each believe the other dead).</summary>
    Automatic,

    /// <summary>A person confirms each one.</summary>
    Person,
}
