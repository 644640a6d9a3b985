using System.Net;
using System.Net.Sockets;

namespace Dr.Tests;

/// <summary>
/// Ports that servers of the tests listen on. A port that the system gave and that was let go again may be taken by any outgoing connection before its server binds it, so these lie below the range from which Linux
/// takes the ports of outgoing connections (32768 to 60999, <c>ip_local_port_range</c> in the kernel's ip-sysctl document), and a process gives none twice.
/// </summary>
internal static class FreePorts
{
    private const int First = 10_000;
    private const int Count = 20_000;

    // Processes that run side by side begin at different places.
    private static int _next = Random.Shared.Next(Count);

    /// <summary>A port of the loopback address on which nobody listens.</summary>
    /// <exception cref="InvalidOperationException">Not one of the range is free.</exception>
    public static int Next()
    {
        for (var tries = 0; tries < Count; tries++)
        {
            var port = First + (int)((uint)Interlocked.Increment(ref _next) % Count);
            using var listener = new TcpListener(IPAddress.Loopback, port) { ExclusiveAddressUse = true };
            try
            {
                listener.Start();
                return port;
            }
            catch (SocketException exception) when (exception.SocketErrorCode is SocketError.AddressAlreadyInUse or SocketError.AccessDenied)
            {
                // The next one.
            }
        }

        throw new InvalidOperationException($"No port from {First} to {First + Count - 1} is free on the loopback address.");
    }

    /// <summary>The same, as <c>127.0.0.1:PORT</c>.</summary>
    public static string NextAddress() => new IPEndPoint(IPAddress.Loopback, Next()).ToString();
}
