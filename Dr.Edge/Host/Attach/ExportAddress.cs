using Dr.Edge.Host.Config;

namespace Dr.Edge.Host.Attach;

/// <summary>Where an NBD server listens: <c>unix:/path</c> or <c>tcp:host:port</c>.</summary>
internal static class ExportAddress
{
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
            : throw new DrException($"'{address}' is not the address of an NBD server.", "Write unix:/path/of/socket or tcp:host:port.");
    }
}
