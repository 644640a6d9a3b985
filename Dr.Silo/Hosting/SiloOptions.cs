using Dr.Silo.Access;
using Dr.Silo.Alerts;
using Dr.Silo.Certificates;

namespace Dr.Silo.Hosting;

/// <summary>One <c>dr-silo run</c>, as its command line says.</summary>
public sealed record SiloOptions
{
    /// <summary>Data directory of the embedded store; null with <see cref="Postgres"/>.</summary>
    public string? DataDirectory { get; init; }

    /// <summary>Npgsql connection string of the cluster's database; null with <see cref="DataDirectory"/>.</summary>
    public string? Postgres { get; init; }

    /// <summary>Address of the admin API and the console. Loopback unless told otherwise.</summary>
    public string Http { get; init; } = "127.0.0.1:8480";

    /// <summary>PEM certificate (with its chain) and key of the HTTP listener; null = plain HTTP, which is only taken on loopback.</summary>
    public string? TlsCertificate { get; init; }

    public string? TlsKey { get; init; }

    /// <summary>Plain HTTP on an address that others reach: passwords and tokens can be read on the way.</summary>
    public bool InsecureHttp { get; init; }

    public AccessOptions Access { get; init; } = new();

    public AlertOptions Alerts { get; init; } = new();

    /// <summary>The CA; its folder null with <see cref="DataDirectory"/> set means <c>ca</c> in there, if there is one.</summary>
    public CertificateOptions Certificates { get; init; } = new();

    /// <summary>Outside brokers; none with <see cref="MqttListen"/>.</summary>
    public IReadOnlyList<string> Brokers { get; init; } = [];

    /// <summary>Address of the embedded broker; null with <see cref="Brokers"/>.</summary>
    public string? MqttListen { get; init; }

    /// <summary>TLS to the broker, or of the embedded one: this silo's certificate (common name control-plane), its key, and the CA of brokers and devices. All or none.</summary>
    public string? MqttTlsCertificate { get; init; }

    public string? MqttTlsKey { get; init; }

    public string? MqttTlsCa { get; init; }

    public string? ConfigPath { get; init; }

    /// <summary>Where the other silos reach this one. Only used with <see cref="Postgres"/>; loopback is for silos of one machine.</summary>
    public string SiloAddress { get; init; } = "127.0.0.1";

    /// <summary>Orleans' silo-to-silo port; 0 = a free one. Only used with <see cref="Postgres"/>.</summary>
    public int SiloPort { get; init; }

    /// <summary>Orleans' client gateway port; 0 = a free one.</summary>
    public int GatewayPort { get; init; }

    /// <summary>Orleans' dashboard under <c>/dashboard</c>, for administrators. Off by default: it measures every call of a grain.</summary>
    public bool Dashboard { get; init; }

    /// <summary>Certificate (with intermediates), its key, and the CA of the silos, as PEM files; all three or none. Read again when they change.</summary>
    public string? SiloTlsCertificate { get; init; }

    public string? SiloTlsKey { get; init; }

    public string? SiloTlsCa { get; init; }

    /// <summary>The standard variables of OpenTelemetry, by name; without an endpoint among them nothing is traced.</summary>
    public IReadOnlyDictionary<string, string?> Tracing { get; init; } = new Dictionary<string, string?>();

    public string ClusterId { get; init; } = "dr";

    /// <summary>Nobody but this machine reaches the listener.</summary>
    public bool IsLoopbackOnly => System.Net.IPAddress.IsLoopback(SiloApp.EndPointOf(Http, "--http").Address);

    public bool IsCluster => Postgres is not null;
}
