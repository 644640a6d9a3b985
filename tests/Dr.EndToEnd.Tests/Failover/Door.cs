using System.Net;
using System.Net.Sockets;

namespace Dr.EndToEnd.Tests.Failover;

/// <summary>An address that answers while it is open and refuses while it is not.</summary>
internal sealed class Door : IDisposable
{
    private TcpListener? _listener;

    public int Port { get; } = FreePorts.Next();

    public void Open()
    {
        if (_listener is null)
        {
            _listener = new TcpListener(IPAddress.Loopback, Port);
            _listener.Start();
            _ = AcceptAsync(_listener);
        }
    }

    public void Close()
    {
        _listener?.Stop();
        _listener = null;
    }

    public void Dispose() => Close();

    private static async Task AcceptAsync(TcpListener listener)
    {
        try
        {
            while (true)
            {
                (await listener.AcceptTcpClientAsync()).Dispose();
            }
        }
        catch (Exception exception) when (exception is SocketException or ObjectDisposedException or InvalidOperationException)
        {
            // Closed.
        }
    }
}
