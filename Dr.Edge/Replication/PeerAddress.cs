using System.Net;
using System.Net.Sockets;

namespace Dr.Edge.Replication;

/// <summary><c>host:port</c> of a peer's replication listener.</summary>
internal static class PeerAddress
{
    public static (string Host, int Port) Parse(string text)
    {
        var colon = text.LastIndexOf(':');
        if (colon <= 0 || !int.TryParse(text.AsSpan(colon + 1), NumberStyles.None, CultureInfo.InvariantCulture, out var port) || port > ushort.MaxValue)
        {
            throw new DrException($"'{text}' is not an address.", "Write HOST:PORT, for example 10.0.0.2:10811 or [::1]:10811.");
        }

        return (text[..colon].Trim('[', ']'), port);
    }

    public static IPEndPoint ResolveLocal(string text)
    {
        var (host, port) = Parse(text);
        if (host is "*" or "0.0.0.0")
        {
            return new IPEndPoint(IPAddress.Any, port);
        }

        try
        {
            return new IPEndPoint(IPAddress.TryParse(host, out var address) ? address : Dns.GetHostAddresses(host)[0], port);
        }
        catch (SocketException exception)
        {
            throw new DrException($"The address '{text}' cannot be resolved.", "Write an address of this machine.", exception);
        }
    }

    /// <summary>A socket that the runtime does not watch as long as nobody asks it to: whoever reads it is woken by the kernel alone.</summary>
    public static async Task<Socket> ConnectAsync(string text, CancellationToken cancellationToken)
    {
        var (host, port) = Parse(text);
        var socket = new Socket(SocketType.Stream, ProtocolType.Tcp);
        try
        {
            var addresses = await Dns.GetHostAddressesAsync(host, cancellationToken);
            await using var giveUp = cancellationToken.UnsafeRegister(static socket => ((Socket)socket!).Dispose(), socket);
            await Task.Factory.StartNew(() => socket.Connect(addresses, port), CancellationToken.None, TaskCreationOptions.LongRunning, TaskScheduler.Default);
            return socket;
        }
        catch (Exception exception) when (exception is SocketException or ObjectDisposedException)
        {
            socket.Dispose();
            cancellationToken.ThrowIfCancellationRequested();
            throw new DrException($"The peer {text} does not answer: {exception.Message}.", "Is dr-edge running there with --replication?", exception, isTransient: true);
        }
        catch
        {
            socket.Dispose();
            throw;
        }
    }
}
