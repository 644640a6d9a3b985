namespace Dr.Edge.Host;

/// <summary>One entry of section <c>systems</c>: a business system that this machine can run, or whose volume needs a serving lease.</summary>
internal sealed class SystemConfig
{
    public string Id { get; set; } = "";

    /// <summary>Name of the protected volume.</summary>
    public string? Volume { get; set; }

    /// <summary>The volume is writable only under a serving lease of the control plane.</summary>
    public bool Lease { get; set; }
}
