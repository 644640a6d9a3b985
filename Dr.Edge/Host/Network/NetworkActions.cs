using Dr.Edge.Host.Config;

namespace Dr.Edge.Host.Network;

/// <summary>Which action an entry of a system's <c>network</c> section is.</summary>
internal static class NetworkActions
{
    public static INetworkAction Create(NetworkActionOptions options, TimeProvider time) => options.Kind switch
    {
        NetworkActionOptions.AddressKind => new AddressAction(options),
        NetworkActionOptions.DnsKind => new DnsAction(options),
        NetworkActionOptions.VrrpKind => new VrrpAction(options, time),
        _ => new CommandAction(options),
    };
}
