using Dr.Edge.Host.Config;

namespace Dr.Edge.Host.Attach;

/// <summary>Where an NBD server listens: <c>unix:/path</c> or <c>tcp:host:port</c>.</summary>
internal static class ExportAddress
{
    /// <summary>The server alone, as options of QEMU's NBD driver.</summary>
    /// <exception cref="DrException">The text is neither form.</exception>
    public static string ToQemuServer(string address)
    {
        if (address.StartsWith("unix:", StringComparison.Ordinal))
        {
            return $"server.type=unix,server.path={HoldingClient.Escape(address["unix:".Length..])}";
        }

        return address.StartsWith("tcp:", StringComparison.Ordinal) && HostPort.TryParse(address["tcp:".Length..], out var server)
            ? $"server.type=inet,server.host={HoldingClient.Escape(server.Host)},server.port={server.Port}"
            : throw NotAnAddress(address);
    }

    /// <summary>The address of one export there, as NBD clients take it.</summary>
    /// <exception cref="DrException">The text is neither form.</exception>
    public static string ToUri(string address, string export)
    {
        if (address.StartsWith("unix:", StringComparison.Ordinal))
        {
            return $"nbd+unix:///{Uri.EscapeDataString(export)}?socket={Uri.EscapeDataString(address["unix:".Length..])}";
        }

        return address.StartsWith("tcp:", StringComparison.Ordinal) && HostPort.TryParse(address["tcp:".Length..], out var server)
            ? $"nbd://{server.Host}:{server.Port}/{Uri.EscapeDataString(export)}"
            : throw NotAnAddress(address);
    }

    private static DrException NotAnAddress(string address) => new($"'{address}' is not the address of an NBD server.", "Write unix:/path/of/socket or tcp:host:port.");
}
