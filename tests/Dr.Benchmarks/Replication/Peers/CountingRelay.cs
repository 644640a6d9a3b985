using System.Diagnostics;
using System.Net;
using System.Net.Sockets;

namespace Dr.Benchmarks.Replication.Peers;

/// <summary>A TCP relay on loopback that counts what goes through it, both ways together: what neither end has counted itself. It can be taken away, and carry only so much.</summary>
/// <param name="to">Where it leads.</param>
/// <param name="bytesPerSecond">From the source to the target at most.</param>
internal sealed class CountingRelay(IPEndPoint to, double bytesPerSecond = double.MaxValue) : IAsyncDisposable
{
    private const int PieceBytes = 256 * 1024;

    /// <summary>On a line with a rate: of a connection's buffers as well, so that it is the line that the sender waits for.</summary>
    private const int SlowPieceBytes = 16 * 1024;

    private readonly TcpListener _listener = Listen();
    private readonly CancellationTokenSource _end = new();
    private CancellationTokenSource _down = new();
    private Task? _running;
    private long _bytes;

    public string Address
    {
        get
        {
            _running ??= Task.Run(AcceptAsync);
            return _listener.LocalEndpoint.ToString()!;
        }
    }

    public long Bytes => Interlocked.Read(ref _bytes);

    /// <summary>While it is not, every connection ends at once.</summary>
    public bool IsUp
    {
        get => !_down.IsCancellationRequested;
        set
        {
            if (!value)
            {
                _down.Cancel();
            }
            else
            {
                _down = new CancellationTokenSource();
            }
        }
    }

    public async ValueTask DisposeAsync()
    {
        await _end.CancelAsync();
        _listener.Dispose();
        if (_running is not null)
        {
            await _running.ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        }

        _end.Dispose();
        _down.Dispose();
    }

    private static TcpListener Listen()
    {
        var listener = new TcpListener(IPAddress.Loopback, 0);
        listener.Start();
        return listener;
    }

    private bool IsSlow => bytesPerSecond < double.MaxValue;

    private async Task AcceptAsync()
    {
        while (true)
        {
            var near = await _listener.AcceptTcpClientAsync(_end.Token);
            if (IsSlow)
            {
                near.ReceiveBufferSize = SlowPieceBytes;
            }

            _ = Task.Run(() => RelayAsync(near));
        }
    }

    private async Task RelayAsync(TcpClient near)
    {
        using (near)
        using (var far = new TcpClient())
        using (var either = CancellationTokenSource.CreateLinkedTokenSource(_end.Token, _down.Token))
        {
            try
            {
                await far.ConnectAsync(to, either.Token);
                await Task.WhenAny(PumpAsync(near.GetStream(), far.GetStream(), bytesPerSecond, either.Token), PumpAsync(far.GetStream(), near.GetStream(), double.MaxValue, either.Token));
            }
            catch (Exception exception) when (exception is SocketException or OperationCanceledException)
            {
                // The connection ends on both sides, and who needs it comes again.
            }
        }
    }

    private async Task PumpAsync(NetworkStream from, NetworkStream into, double rate, CancellationToken cancellationToken)
    {
        try
        {
            var buffer = new byte[rate < double.MaxValue ? SlowPieceBytes : PieceBytes];
            var watch = Stopwatch.StartNew();
            double due = 0;
            for (int count; (count = await from.ReadAsync(buffer, cancellationToken)) > 0;)
            {
                due = Math.Max(due, watch.Elapsed.TotalSeconds) + (count / rate);
                if (TimeSpan.FromSeconds(due) - watch.Elapsed is { TotalMilliseconds: >= 1 } early)
                {
                    await Task.Delay(early, cancellationToken);
                }

                await into.WriteAsync(buffer.AsMemory(0, count), cancellationToken);
                Interlocked.Add(ref _bytes, count);
            }
        }
        catch (Exception exception) when (exception is IOException or ObjectDisposedException or OperationCanceledException)
        {
            // One end has gone; the other goes with it.
        }
    }
}
