using System.Net;
using System.Net.Sockets;

namespace Dr.Edge.Tests.Replication;

/// <summary>A line between two nodes that can be cut after so many bytes, and can flip a byte or send some twice on the way.</summary>
internal sealed class CutLine : IAsyncDisposable
{
    private readonly TcpListener _listener = new(IPAddress.Loopback, 0);
    private readonly string _target;
    private readonly CancellationTokenSource _stopping = new();
    private readonly Task _accepting;
    private long _budget = long.MaxValue;
    private Fault _fault;

    public CutLine(string target)
    {
        _target = target;
        _listener.Start();
        _accepting = AcceptAsync();
    }

    public enum Fault
    {
        Cut,
        Flip,
        Twice,
    }

    public string Address => _listener.LocalEndpoint.ToString()!;

    public int Faults { get; private set; }

    public long Bytes { get; private set; }

    /// <summary>The first bytes that the source sent.</summary>
    public byte[] First { get; private set; } = [];

    /// <summary>After this many more bytes from the source the fault happens, once.</summary>
    public void FailAfter(long bytes, Fault fault)
    {
        _fault = fault;
        Interlocked.Exchange(ref _budget, bytes);
    }

    public async ValueTask DisposeAsync()
    {
        await _stopping.CancelAsync();
        _listener.Dispose();
        await _accepting;
        _stopping.Dispose();
    }

    private async Task AcceptAsync()
    {
        var lines = new List<Task>();
        while (!_stopping.IsCancellationRequested)
        {
            try
            {
                lines.Add(CarryAsync(await _listener.AcceptSocketAsync(_stopping.Token)));
            }
            catch (Exception exception) when (exception is OperationCanceledException or SocketException or ObjectDisposedException)
            {
                break;
            }
        }

        await Task.WhenAll(lines);
    }

    private async Task CarryAsync(Socket near)
    {
        using var source = near;
        using var target = new Socket(SocketType.Stream, ProtocolType.Tcp);
        try
        {
            await target.ConnectAsync(IPEndPoint.Parse(_target), _stopping.Token);
            var first = await Task.WhenAny(CopyAsync(source, target, faulty: true), CopyAsync(target, source, faulty: false));
            await first;
        }
        catch (Exception exception) when (exception is SocketException or OperationCanceledException or ObjectDisposedException)
        {
            // One end is gone: so is the line.
        }
    }

    private async Task CopyAsync(Socket from, Socket to, bool faulty)
    {
        var buffer = new byte[16 * 1024];
        while (true)
        {
            var count = await from.ReceiveAsync(buffer, SocketFlags.None, _stopping.Token);
            if (count == 0)
            {
                return;
            }

            if (faulty)
            {
                Bytes += count;
                First = First.Length < 4096 ? [.. First, .. buffer.AsSpan(0, count)] : First;
                if (Interlocked.Add(ref _budget, -count) < 0)
                {
                    Interlocked.Exchange(ref _budget, long.MaxValue);
                    Faults++;
                    switch (_fault)
                    {
                        case Fault.Cut:
                            await to.SendAsync(buffer.AsMemory(0, count / 2), SocketFlags.None, _stopping.Token);
                            return;
                        case Fault.Flip:
                            buffer[count / 2] ^= 0x10;
                            break;
                        default:
                            await to.SendAsync(buffer.AsMemory(0, count), SocketFlags.None, _stopping.Token);
                            break;
                    }
                }
            }

            for (var sent = 0; sent < count;)
            {
                sent += await to.SendAsync(buffer.AsMemory(sent, count - sent), SocketFlags.None, _stopping.Token);
            }
        }
    }
}
