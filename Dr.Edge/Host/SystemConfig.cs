using Dr.Edge.Host.Config;

namespace Dr.Edge.Host;

/// <summary>One business system whose components this machine can run: an entry of <c>systems</c> in the configuration file.</summary>
internal sealed class SystemConfig
{
    public string Id { get; set; } = "";

    /// <summary>Name of the protected volume, which is also the name of its export.</summary>
    public string? Volume { get; set; }

    /// <summary>
    /// Where the export is attached from: <c>unix:/path</c> or <c>tcp:host:port</c>. Null = the local NBD socket of this program, which is what an appliance with the host role has.
    /// </summary>
    public string? Nbd { get; set; }

    /// <summary>
    /// How long reads and writes wait while the appliance is away, before they fail; zero: they fail at once. Null = two minutes for a <c>tcp:</c> address (where another appliance may answer after a takeover)
    /// when qemu-storage-daemon is installed, none otherwise.
    /// </summary>
    public TimeSpan? Hold { get; set; }

    /// <summary>Directory the file system is mounted on; null for a system without a volume (class R: its components have their own storage).</summary>
    public string? Mount { get; set; }

    /// <summary>Directory below which clones of the volume are mounted for a while, for the recovery of tables and for checks. The databases' users must be able to go there.</summary>
    public string CloneMounts { get; set; } = "/run/dr-clones";

    /// <summary>ext4, xfs or btrfs; an empty volume is formatted with it by <c>system prepare</c>, and by nothing else.</summary>
    public string FileSystem { get; set; } = "ext4";

    /// <summary>True when the components may run only under a serving lease: once it has lapsed they are stopped.</summary>
    public bool Lease { get; set; }

    /// <summary>
    /// While the control plane does not answer, the volume may be written on by the promise of every one of its copies not to be promoted. Off by default: a site that is cut off then serves on as long as its line to the other site holds.
    /// </summary>
    public bool ReplicaLease { get; set; }

    public QuiesceOptions? Quiesce { get; set; }

    public List<ComponentOptions> Components { get; set; } = [];

    public List<NetworkActionOptions> Network { get; set; } = [];

    /// <summary>Switches the <em>other</em> site's machines of this system off, and reads back that they are. Null = there is no such device.</summary>
    public FenceOptions? Fence { get; set; }

    public SystemId SystemId => new(Id);
}
