using System.Net;
using System.Net.Sockets;

namespace Dr.EndToEnd.Tests.Failover;

/// <summary>An address that answers while it is open and refuses while it is not. Bound all the time, so that nobody else gets it meanwhile.</summary>
internal sealed class Door : IDisposable
{
    private Socket _socket;
    private bool _isOpen;

    public Door()
    {
        // A port that no outgoing connection takes while the door is closed and bound again.
        Port = FreePorts.Next();
        _socket = Bound(Port);
    }

    public int Port { get; }

    public void Open()
    {
        if (!_isOpen)
        {
            _isOpen = true;
            _socket.Listen();
            _ = AcceptAsync(_socket);
        }
    }

    public void Close()
    {
        if (_isOpen)
        {
            _isOpen = false;
            _socket.Dispose();
            _socket = Bound(Port);
        }
    }

    public void Dispose() => _socket.Dispose();

    private static Socket Bound(int port)
    {
        var socket = new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp);
        socket.SetSocketOption(SocketOptionLevel.Socket, SocketOptionName.ReuseAddress, true);
        socket.Bind(new IPEndPoint(IPAddress.Loopback, port));
        return socket;
    }

    private static async Task AcceptAsync(Socket socket)
    {
        try
        {
            while (true)
            {
                (await socket.AcceptAsync()).Dispose();
            }
        }
        catch (Exception exception) when (exception is SocketException or ObjectDisposedException or InvalidOperationException)
        {
            // Closed.
        }
    }
}
