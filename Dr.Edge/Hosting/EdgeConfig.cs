using Dr.Edge.Host;
using Dr.Edge.Hosting.Metrics;
using Dr.Edge.Kiosk;
using Dr.Edge.Link;
using Dr.Edge.Nbd;
using Dr.Edge.Replication;
using Dr.Edge.Volumes.Scrubbing;
using Dr.Edge.Volumes.Space;

namespace Dr.Edge.Hosting;

/// <summary>The configuration of one <c>dr-edge</c>: the YAML file, overridden by flags. Each section's class lies in its owner's folder.</summary>
internal sealed class EdgeConfig
{
    /// <summary>This device's id at the control plane; also its MQTT user name. Needed only with brokers.</summary>
    public string? Device { get; set; }

    public string? Site { get; set; }

    /// <summary>Any of <c>appliance</c>, <c>host</c>, <c>kiosk</c>.</summary>
    public List<string> Roles { get; set; } = DefaultRoles;

    /// <summary>Nobody said what this device is for.</summary>
    public bool HasDefaultRoles => ReferenceEquals(Roles, DefaultRoles);

    private static List<string> DefaultRoles { get; } = ["appliance"];

    /// <summary>The data directory. One process at a time.</summary>
    public string Data { get; set; } = "";

    /// <summary>Unix socket of the commands; null = <c>control.sock</c> in the data directory.</summary>
    public string? Control { get; set; }

    public NbdConfig Nbd { get; set; } = new();

    public ReplicationConfig Replication { get; set; } = new();

    /// <summary>Section <c>kiosk</c>: the endpoint for the kiosk's own software.</summary>
    public KioskConfig Kiosk { get; set; } = new();

    /// <summary><c>host:port</c> of MQTT brokers, in the order to try.</summary>
    public List<string> Brokers { get; set; } = [];

    /// <summary>Section <c>brokerTls</c>.</summary>
    public BrokerTlsConfig BrokerTls { get; set; } = new();

    /// <summary>What this device can be asked to reach as a witness: name to address (<c>tcp://host:port</c>, answered by the program; <c>connect://host:port</c>, accepted; <c>http(s)://…</c>, below status 500).</summary>
    public Dictionary<string, string> Targets { get; set; } = [];

    public List<SystemConfig> Systems { get; set; } = [];

    /// <summary>Section <c>points</c>: automatic points.</summary>
    public PointsConfig Points { get; set; } = new();

    /// <summary>Section <c>scrub</c>.</summary>
    public ScrubConfig Scrub { get; set; } = new();

    /// <summary>Section <c>space</c>.</summary>
    public SpaceConfig Space { get; set; } = new();

    /// <summary>Section <c>metrics</c>.</summary>
    public MetricsConfig Metrics { get; set; } = new();

    public string ControlPath => Control ?? Path.Combine(Data, "control.sock");

    /// <summary>
    /// A kiosk and nothing else, that neither serves nor takes volumes and has none: it goes without the volume store, which makes system calls of Linux, and so also runs on Windows.
    /// </summary>
    public bool IsKioskAlone => Roles is ["kiosk"] && Nbd is { Listen: null, Socket: null } && Replication.Listen is null && !Directory.Exists(Path.Combine(Data, Volumes.VolumeSet.VolumesFolder));

    public bool HasRole(string role) => Roles.Contains(role, StringComparer.Ordinal);
}
