namespace Dr.Edge.Host.Config;

/// <summary>What leads clients to the site that serves.</summary>
internal sealed class NetworkActionOptions
{
    public const string AddressKind = "address";
    public const string DnsKind = "dns";
    public const string VrrpKind = "vrrp";
    public const string CommandKind = "command";

    /// <summary><c>address</c>, <c>dns</c>, <c>vrrp</c> or <c>command</c>.</summary>
    public string Kind { get; set; } = "";

    /// <summary>Of an interface, with its prefix length: <c>10.1.2.3/24</c>; what a DNS name is to lead to, without one.</summary>
    public string? Address { get; set; }

    /// <summary>Network interface of <see cref="Address"/>.</summary>
    public string? Device { get; set; }

    // kind: dns

    public string? Name { get; set; }

    /// <summary>The authoritative server of the zone that takes updates, <c>host</c> or <c>host:port</c>.</summary>
    public string? Server { get; set; }

    /// <summary>Default: as the server says.</summary>
    public string? Zone { get; set; }

    /// <summary>File with the TSIG key, as <c>tsig-keygen</c> writes it.</summary>
    public string? Key { get; set; }

    /// <summary>How long clients may keep the old answer.</summary>
    public TimeSpan TimeToLive { get; set; } = TimeSpan.FromSeconds(30);

    /// <summary>What the name leads to when it is taken away from here and nobody else has taken it yet; null = nothing, and resolvers then remember for the zone's negative time to live that there is no such name.</summary>
    public string? Away { get; set; }

    // kind: vrrp

    /// <summary>File that keepalived tracks.</summary>
    public string? File { get; set; }

    /// <summary>The number in it while this machine is to have the address; 0 otherwise.</summary>
    public int Value { get; set; } = 100;

    // kind: command

    public string? Apply { get; set; }

    public string? Remove { get; set; }

    /// <summary>Exits with 0 when the action is in force, with 1 when it is not; anything else is an error.</summary>
    public string? Read { get; set; }

    public TimeSpan Timeout { get; set; } = TimeSpan.FromSeconds(10);
}
