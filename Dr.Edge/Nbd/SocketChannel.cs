using System.Net.Sockets;
using System.Runtime.InteropServices;

namespace Dr.Edge.Nbd;

/// <summary>
/// A plain socket in blocking mode: the thread that parses is the one that the kernel wakes, with nothing in between. Errors of the network are ends of the
/// stream here, because to a server they are all the same: the client is gone.
/// </summary>
internal sealed partial class SocketChannel : INbdChannel
{
    private const short PollIn = 1;

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

        // The descriptors cannot become another file's meanwhile: both handles are held until the call is back.
        var (socket, woken) = (_socket.SafeHandle, waker.Handle);
        var (socketHeld, wokenHeld) = (false, false);
        Span<PollDescriptor> descriptors = stackalloc PollDescriptor[2];
        try
        {
            socket.DangerousAddRef(ref socketHeld);
            woken.DangerousAddRef(ref wokenHeld);
            descriptors[0] = new PollDescriptor { Descriptor = (int)socket.DangerousGetHandle(), Events = PollIn };
            descriptors[1] = new PollDescriptor { Descriptor = (int)woken.DangerousGetHandle(), Events = PollIn };
            _ = Poll(ref descriptors[0], 2, (int)atMost.TotalMilliseconds);
        }
        finally
        {
            if (socketHeld)
            {
                socket.DangerousRelease();
            }

            if (wokenHeld)
            {
                woken.DangerousRelease();
            }

            waker.End(descriptors[1].Returned != 0);
        }

        // Errors and ends too: receiving meets them and says so.
        return descriptors[0].Returned != 0;
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

    [LibraryImport("libc", EntryPoint = "poll", SetLastError = true)]
    private static partial int Poll(ref PollDescriptor descriptors, nuint count, int timeoutMs);

    [StructLayout(LayoutKind.Sequential)]
    private struct PollDescriptor
    {
        public int Descriptor;
        public short Events;
        public short Returned;
    }
}
