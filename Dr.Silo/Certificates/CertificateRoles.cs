using Dr.Contracts.Tls;

namespace Dr.Silo.Certificates;

/// <summary>What a certificate may be for. The role is its organisational unit; brokers go by its common name, appliances also by the role.</summary>
internal static class CertificateRoles
{
    public const string Kiosk = "kiosk";
    public const string Host = "host";
    public const string Appliance = "appliance";
    public const string Broker = "broker";
    public const string ControlPlane = "control-plane";

    /// <summary>Those that a token can be made for. The control plane's own certificate is made on the machine of the CA only.</summary>
    public static readonly IReadOnlyList<string> ByToken = [Kiosk, Host, Appliance, Broker];

    public static readonly IReadOnlyList<string> All = [.. ByToken, ControlPlane];

    /// <summary>Key purposes: who only dials is no server.</summary>
    public static IReadOnlyList<string> PurposesOf(string role) =>
        role is Kiosk or Host ? [CertificateCheck.ClientPurpose] : [CertificateCheck.ServerPurpose, CertificateCheck.ClientPurpose];

    /// <summary>Null when a certificate can be made for it.</summary>
    public static string? RefusalOf(string? name, string? role, IReadOnlyList<string> hosts, bool byToken)
    {
        if (!(byToken ? ByToken : All).Contains(role ?? "", StringComparer.Ordinal))
        {
            return $"role takes {string.Join(", ", byToken ? ByToken : All)}, not '{role}'.";
        }

        if (role == ControlPlane != (name == TopicAccess.ControlPlane))
        {
            return $"Only the control plane is called {TopicAccess.ControlPlane}, and it is called nothing else.";
        }

        if (!Names.IsValid(name))
        {
            return $"A name has 1 to {Names.MaxLength} letters, digits, '-', '_', '.'.";
        }

        if (role == Broker && hosts.Count == 0)
        {
            return "A broker's certificate names the hosts (names or addresses) by which devices reach it.";
        }

        return hosts.Count > CertificateLimits.HostsMax ? $"At most {CertificateLimits.HostsMax} hosts."
            : hosts.FirstOrDefault(h => Uri.CheckHostName(h) is UriHostNameType.Unknown or UriHostNameType.Basic) is { } bad ? $"'{bad}' is neither a host name nor an address."
            : null;
    }
}
