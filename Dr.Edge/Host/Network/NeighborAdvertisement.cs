using System.Buffers.Binary;
using System.Net;
using System.Net.NetworkInformation;
using System.Net.Sockets;

namespace Dr.Edge.Host.Network;

/// <summary>An unsolicited neighbour advertisement (RFC 4861, sections 4.4 and 7.2.6): tells every machine on the link at once which hardware address an IPv6 address has now.</summary>
internal static class NeighborAdvertisement
{
    private const byte Type = 136;
    private const byte TargetLinkAddressOption = 2;
    private const uint Override = 0x2000_0000;
    private const int HopLimit = 255; // Receivers drop it with any other: it proves that no router was in between.
    private static readonly IPAddress AllNodes = IPAddress.Parse("ff02::1");

    /// <exception cref="DrException">It could not be sent.</exception>
    public static void Send(IPAddress address, string device)
    {
        try
        {
            var link = NetworkInterface.GetAllNetworkInterfaces().First(n => n.Name == device);
            var index = link.GetIPProperties().GetIPv6Properties().Index;
            using var socket = new Socket(AddressFamily.InterNetworkV6, SocketType.Raw, ProtocolType.IcmpV6);
            socket.SetSocketOption(SocketOptionLevel.IPv6, SocketOptionName.MulticastTimeToLive, HopLimit);
            socket.SetSocketOption(SocketOptionLevel.IPv6, SocketOptionName.MulticastInterface, index);
            socket.Bind(new IPEndPoint(address, 0));
            socket.SendTo(Message(address, link.GetPhysicalAddress()), new IPEndPoint(new IPAddress(AllNodes.GetAddressBytes(), index), 0));
        }
        catch (Exception exception) when (exception is SocketException or InvalidOperationException or NetworkInformationException)
        {
            throw new DrException($"{address} could not be announced on {device}: {exception.Message}", "Neighbours learn it when their caches are over, in a minute or so.", exception);
        }
    }

    /// <summary>The message without its checksum, which the kernel fills in. Pure.</summary>
    internal static byte[] Message(IPAddress target, PhysicalAddress hardware)
    {
        var link = hardware.GetAddressBytes();
        var message = new byte[24 + (link.Length == 6 ? 8 : 0)];
        message[0] = Type;
        BinaryPrimitives.WriteUInt32BigEndian(message.AsSpan(4), Override);
        target.GetAddressBytes().CopyTo(message, 8);
        if (link.Length == 6)
        {
            message[24] = TargetLinkAddressOption;
            message[25] = 1; // In units of 8 bytes.
            link.CopyTo(message, 26);
        }

        return message;
    }
}
