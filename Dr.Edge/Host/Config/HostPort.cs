namespace Dr.Edge.Host.Config;

/// <summary><c>host:port</c>, with brackets around an IPv6 address.</summary>
internal readonly record struct HostPort(string Host, int Port)
{
    public static bool TryParse(string? text, out HostPort value)
    {
        value = default;
        var colon = text?.LastIndexOf(':') ?? -1;
        if (colon < 1 || !int.TryParse(text.AsSpan(colon + 1), NumberStyles.None, CultureInfo.InvariantCulture, out var port) || port is < 1 or > 65535)
        {
            return false;
        }

        value = new HostPort(text![..colon].Trim('[', ']'), port);
        return true;
    }
}
