using System.Net.Sockets;
using System.Runtime.InteropServices;
using Dr.Edge.Volumes.Disk;

namespace Dr.Edge.Replication.Line;

/// <summary>
/// The bytes of a plain connection by system calls of our own. One thread reads and sleeps in the kernel itself; the runtime's way, through the one thread that watches all sockets and then the pool, is two more
/// changes of thread for every message, which is most of what a synchronous write would wait for. A write that the kernel takes at once has ended when it returns; what is left of another goes on on a thread of its own.
/// One reader and one writer at a time.
/// </summary>
internal sealed partial class SocketLine(Socket socket) : Stream
{
    private const int DontWait = 0x40;
    private const int NoSignal = 0x4000;
    private const int EINTR = 4;
    private const int EAGAIN = 11;

    /// <summary>A connection that was closed under a waiting thread is noticed within this at the latest; closing wakes it anyway.</summary>
    private const int LookEveryMs = 1000;

    private readonly Lock _lock = new(); // Guards the two below.
    private Thread? _finisher;
    private Rest? _rest;
    private readonly SemaphoreSlim _more = new(0);
    private volatile bool _disposed;

    public override bool CanRead => true;

    public override bool CanSeek => false;

    public override bool CanWrite => true;

    public override long Length => throw new NotSupportedException();

    public override long Position
    {
        get => throw new NotSupportedException();
        set => throw new NotSupportedException();
    }

    /// <summary>Sleeps until something is there; 0 when the other end has closed.</summary>
    public override unsafe int Read(Span<byte> buffer)
    {
        while (true)
        {
            nint read;
            fixed (byte* start = buffer)
            {
                read = Receive(socket.SafeHandle, start, (nuint)buffer.Length, DontWait);
            }

            if (read >= 0)
            {
                return (int)read;
            }

            WaitAfter(Marshal.GetLastPInvokeError(), Posix.PollIn);
        }
    }

    public override int Read(byte[] buffer, int offset, int count) => Read(buffer.AsSpan(offset, count));

    public override void Write(ReadOnlySpan<byte> buffer)
    {
        for (buffer = buffer[SendSome(buffer)..]; !buffer.IsEmpty; buffer = buffer[SendSome(buffer)..])
        {
            WaitAfter(EAGAIN, Posix.PollOut);
        }
    }

    public override void Write(byte[] buffer, int offset, int count) => Write(buffer.AsSpan(offset, count));

    /// <summary>What has begun is finished: closing the socket ends it, the token does not.</summary>
    public override ValueTask WriteAsync(ReadOnlyMemory<byte> buffer, CancellationToken cancellationToken = default)
    {
        var rest = buffer[SendSome(buffer.Span)..];
        return rest.IsEmpty ? ValueTask.CompletedTask : new ValueTask(FinishAsync(rest));
    }

    public override void Flush()
    {
        // Nothing is kept back.
    }

    public override long Seek(long offset, SeekOrigin origin) => throw new NotSupportedException();

    public override void SetLength(long value) => throw new NotSupportedException();

    protected override void Dispose(bool disposing)
    {
        if (disposing && !_disposed)
        {
            _disposed = true;
            socket.Dispose();
            _more.Release(); // The finisher sees that there is nothing more; it outlives the call by moments at most.
        }

        base.Dispose(disposing);
    }

    // As much as the kernel takes without waiting.
    private unsafe int SendSome(ReadOnlySpan<byte> buffer)
    {
        var sent = 0;
        fixed (byte* start = buffer)
        {
            while (sent < buffer.Length)
            {
                var taken = Send(socket.SafeHandle, start + sent, (nuint)(buffer.Length - sent), DontWait | NoSignal);
                if (taken >= 0)
                {
                    sent += (int)taken;
                    continue;
                }

                var errno = Marshal.GetLastPInvokeError();
                if (errno == EAGAIN)
                {
                    break;
                }

                if (errno != EINTR)
                {
                    throw Broken(errno);
                }
            }
        }

        return sent;
    }

    private void WaitAfter(int errno, short events)
    {
        if (errno == EINTR)
        {
            return;
        }

        if (errno != EAGAIN)
        {
            throw Broken(errno);
        }

        // What comes back, the next try finds out.
        _ = Posix.WaitFor(socket.SafeHandle, events, second: null, LookEveryMs);
    }

    private static IOException Broken(int errno) => new(Posix.Describe(errno));

    private Task FinishAsync(ReadOnlyMemory<byte> rest)
    {
        var finishing = new Rest(rest);
        lock (_lock)
        {
            ObjectDisposedException.ThrowIf(_disposed, this);
            _rest = finishing;
            if (_finisher is null)
            {
                _finisher = new Thread(Finish) { IsBackground = true, Name = "Dr line" };
                _finisher.Start();
            }
        }

        _more.Release();
        return finishing.Done.Task;
    }

    private void Finish()
    {
        while (true)
        {
            _more.Wait();
            Rest? rest;
            lock (_lock)
            {
                (rest, _rest) = (_rest, null);
            }

            if (rest is not null)
            {
                try
                {
                    Write(rest.Bytes.Span);
                    rest.Done.SetResult();
                }
                catch (Exception exception)
                {
                    rest.Done.SetException(exception);
                }
            }

            if (_disposed)
            {
                return;
            }
        }
    }

    [LibraryImport("libc", EntryPoint = "recv", SetLastError = true)]
    private static unsafe partial nint Receive(SafeSocketHandle socket, byte* buffer, nuint length, int flags);

    [LibraryImport("libc", EntryPoint = "send", SetLastError = true)]
    private static unsafe partial nint Send(SafeSocketHandle socket, byte* buffer, nuint length, int flags);

    private sealed class Rest(ReadOnlyMemory<byte> bytes)
    {
        public ReadOnlyMemory<byte> Bytes { get; } = bytes;

        public TaskCompletionSource Done { get; } = new(TaskCreationOptions.RunContinuationsAsynchronously);
    }
}
