namespace Dr.Silo.Access;

/// <summary>What a caller may do; each may do what the one before may, and more.</summary>
public enum Role
{
    /// <summary>Looks at everything but users and tokens of others.</summary>
    Viewer,

    /// <summary>The daily work: points, drills, acknowledging and silencing alerts, stopping a run while that is safe.</summary>
    Operator,

    /// <summary>Decides who serves: failover, move, failback, force, approvals, commit, roll back, holds.</summary>
    Commander,

    /// <summary>Users, tokens and policies.</summary>
    Admin,
}
