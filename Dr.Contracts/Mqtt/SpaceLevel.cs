namespace Dr.Contracts.Mqtt;

/// <summary>How much space an appliance's disk has left, and how soon it will not.</summary>
public enum SpaceLevel
{
    Ample,

    /// <summary>Full within days by its present trend, or little is left.</summary>
    Warning,

    /// <summary>Full within a day, or so little is left that history gives way where that is the policy.</summary>
    Critical,

    /// <summary>Writes are refused.</summary>
    Full,
}
