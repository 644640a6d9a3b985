using System.Net;

namespace Dr.Edge.Host.Config;

/// <summary>Judges one entry of a system's <c>network</c> section. Pure.</summary>
internal static class NetworkRules
{
    public static void Check(NetworkActionOptions action, string at, List<ConfigFault> faults)
    {
        switch (action.Kind)
        {
            case NetworkActionOptions.AddressKind:
                CheckAddress(action, at, faults);
                break;
            case NetworkActionOptions.DnsKind:
                CheckDns(action, at, faults);
                break;
            case NetworkActionOptions.VrrpKind:
                CheckVrrp(action, at, faults);
                break;
            case NetworkActionOptions.CommandKind:
                if (action.Apply is null || action.Remove is null || action.Read is null)
                {
                    faults.Add(new(at, "A command action needs apply, remove and read.", "Without 'read' nobody could tell whether it worked: add what is missing."));
                }

                break;
            default:
                faults.Add(new($"{at}.kind", $"'{action.Kind}' is not known.", "Use address, dns, vrrp or command."));
                break;
        }

        if (action.Timeout <= TimeSpan.Zero)
        {
            faults.Add(new($"{at}.timeout", $"{action.Timeout} is not positive.", "Write for example 10s."));
        }
    }

    private static void CheckAddress(NetworkActionOptions action, string at, List<ConfigFault> faults)
    {
        if (!IPNetwork.TryParse(WithoutHostBits(action.Address), out _))
        {
            faults.Add(new($"{at}.address", $"'{action.Address}' is not an address with a prefix length.", "Write for example 10.1.2.3/24."));
        }

        if (string.IsNullOrWhiteSpace(action.Device))
        {
            faults.Add(new($"{at}.device", "The network interface is missing.", "Write for example eth0."));
        }
    }

    private static void CheckDns(NetworkActionOptions action, string at, List<ConfigFault> faults)
    {
        if (Uri.CheckHostName(action.Name?.TrimEnd('.')) != UriHostNameType.Dns)
        {
            faults.Add(new($"{at}.name", $"'{action.Name}' is not a name.", "Write for example dilas.library.example."));
        }

        if (!IPAddress.TryParse(action.Address, out _))
        {
            faults.Add(new($"{at}.address", $"'{action.Address}' is not an address.", "Write what the name is to lead to, without a prefix length: 10.1.2.3."));
        }

        if (action.Away is { } away && !IPAddress.TryParse(away, out _))
        {
            faults.Add(new($"{at}.away", $"'{away}' is not an address.", "Write for example the address of a page that says when the service is back."));
        }

        if (string.IsNullOrWhiteSpace(action.Server) || action.Server.Any(char.IsWhiteSpace))
        {
            faults.Add(new($"{at}.server", "The name server is missing.", "Write the authoritative server of the zone, with a port when it is not 53: ns1.library.example or 10.1.2.53:5353."));
        }

        if (action.Zone is { } zone && Uri.CheckHostName(zone.TrimEnd('.')) != UriHostNameType.Dns)
        {
            faults.Add(new($"{at}.zone", $"'{zone}' is not a zone.", "Leave it out: the server tells."));
        }

        if (action.Key is { } key && (!Path.IsPathFullyQualified(key) || key.Contains('\'', StringComparison.Ordinal)))
        {
            faults.Add(new($"{at}.key", $"'{key}' is not an absolute path.", "Write the file that 'tsig-keygen' made, readable by root alone."));
        }

        if (action.TimeToLive < TimeSpan.Zero || action.TimeToLive > TimeSpan.FromDays(1))
        {
            faults.Add(new($"{at}.timeToLive", $"{action.TimeToLive} is not between 0 and a day.", "Clients may go on to the old site for that long: write for example 30s."));
        }
    }

    private static void CheckVrrp(NetworkActionOptions action, string at, List<ConfigFault> faults)
    {
        if (action.File is not { } file || !Path.IsPathFullyQualified(file))
        {
            faults.Add(new($"{at}.file", "The file that keepalived tracks is missing.", "Write its absolute path: /run/dr/dilas.priority."));
        }

        if (action.Value is < 1 or > 253)
        {
            faults.Add(new($"{at}.value", $"{action.Value} is not between 1 and 253.", "It has to lift this machine's priority above the other site's."));
        }

        if (action.Address is not null || action.Device is not null)
        {
            CheckAddress(action, at, faults);
        }
    }

    /// <summary>An interface address is not a network address; only its form matters here.</summary>
    private static string WithoutHostBits(string? address)
    {
        var parts = (address ?? "").Split('/');
        return parts.Length == 2 && IPAddress.TryParse(parts[0], out var ip) ? (ip.GetAddressBytes().Length == 4 ? "0.0.0.0/" : "::/") + parts[1] : "";
    }
}
