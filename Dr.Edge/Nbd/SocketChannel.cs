using System.Net.Sockets;
using Dr.Edge.Volumes.Disk;

namespace Dr.Edge.Nbd;

/// <summary>
/// A plain socket in blocking mode: the thread that parses is the one that the kernel wakes, with nothing in between. Errors of the network are ends of the
/// stream here, because to a server they are all the same: the client is gone.
/// </summary>
internal sealed class SocketChannel : INbdChannel
{
    private readonly Socket _socket;

    public SocketChannel(Socket socket, TimeSpan idleTime, string localName)
    {
        _socket = socket;
        if (socket.RemoteEndPoint is System.Net.IPEndPoint remote)
        {
            Peer = remote.ToString();
            socket.NoDelay = true;

            // A host that lost its power never says goodbye; its thread and place are free again after two minutes.
            socket.SetSocketOption(SocketOptionLevel.Socket, SocketOptionName.KeepAlive, true);
            socket.SetSocketOption(SocketOptionLevel.Tcp, SocketOptionName.TcpKeepAliveTime, 60);
            socket.SetSocketOption(SocketOptionLevel.Tcp, SocketOptionName.TcpKeepAliveInterval, 10);
            socket.SetSocketOption(SocketOptionLevel.Tcp, SocketOptionName.TcpKeepAliveRetryCount, 6);
        }
        else
        {
            Peer = localName;

            // Unix sockets have no window: what one send may hand over at once is set here, and the kernel caps it.
            socket.SendBufferSize = NbdLimits.BusyBufferBytes;
        }

        socket.ReceiveTimeout = (int)idleTime.TotalMilliseconds;
    }

    public string Peer { get; }

    public bool HasInput
    {
        get
        {
            try
            {
                return _socket.Available > 0;
            }
            catch (SocketException)
            {
                // Whatever it is, receiving meets it too and says so.
                return true;
            }
        }
    }

    public int Receive(Span<byte> destination)
    {
        while (true)
        {
            var count = _socket.Receive(destination, SocketFlags.None, out var error);
            switch (error)
            {
                case SocketError.Success:
                    return count;
                case SocketError.Interrupted:
                    continue;
                case SocketError.TimedOut or SocketError.WouldBlock:
                    return INbdChannel.IdleTimeout;
                default:
                    return INbdChannel.EndOfStream;
            }
        }
    }

    public bool CanBeWoken => InputWaker.IsSupported;

    public bool WaitForInput(InputWaker waker, TimeSpan atMost)
    {
        if (!waker.TryBegin())
        {
            return false;
        }

        var (hasInput, isWoken) = (false, false);
        try
        {
            // Errors and ends are input too: receiving meets them and says so.
            (hasInput, isWoken) = Posix.WaitFor(_socket.SafeHandle, Posix.PollIn, waker.Handle, (int)atMost.TotalMilliseconds);
        }
        finally
        {
            waker.End(isWoken);
        }

        return hasInput;
    }

    public bool Send(ReadOnlySpan<byte> source)
    {
        while (source.Length > 0)
        {
            var count = _socket.Send(source, SocketFlags.None, out var error);
            if (error is not (SocketError.Success or SocketError.Interrupted))
            {
                return false;
            }

            source = source[Math.Max(count, 0)..];
        }

        return true;
    }

    public void StopReceiving() => Shutdown(SocketShutdown.Receive);

    public void Abort() => Shutdown(SocketShutdown.Both);

    public void Dispose()
    {
        // Lets answers that are still in the kernel reach the client before the socket goes.
        Shutdown(SocketShutdown.Send);
        _socket.Dispose();
    }

    private void Shutdown(SocketShutdown how)
    {
        try
        {
            _socket.Shutdown(how);
        }
        catch (Exception exception) when (exception is SocketException or ObjectDisposedException)
        {
            // The client or the session was faster: what was to be ended has ended.
        }
    }
}
