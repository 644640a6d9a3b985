namespace Dr.Edge.Host.Config;

/// <summary>What leads clients to the site that serves.</summary>
internal sealed class NetworkActionOptions
{
    public const string AddressKind = "address";
    public const string CommandKind = "command";

    /// <summary><c>address</c> or <c>command</c>.</summary>
    public string Kind { get; set; } = "";

    /// <summary>With its prefix length: <c>10.1.2.3/24</c>.</summary>
    public string? Address { get; set; }

    /// <summary>Network interface of <see cref="Address"/>.</summary>
    public string? Device { get; set; }

    public string? Apply { get; set; }

    public string? Remove { get; set; }

    /// <summary>Exits with 0 when the action is in force, with 1 when it is not; anything else is an error.</summary>
    public string? Read { get; set; }

    public TimeSpan Timeout { get; set; } = TimeSpan.FromSeconds(10);
}
