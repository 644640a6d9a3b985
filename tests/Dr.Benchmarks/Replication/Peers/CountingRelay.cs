using System.Net;
using System.Net.Sockets;

namespace Dr.Benchmarks.Replication.Peers;

/// <summary>A TCP relay on loopback that counts what goes through it, both ways together: what neither end has counted itself.</summary>
internal sealed class CountingRelay : IAsyncDisposable
{
    private readonly TcpListener _listener = new(IPAddress.Loopback, 0);
    private readonly CancellationTokenSource _end = new();
    private readonly IPEndPoint _to;
    private readonly Task _running;
    private long _bytes;

    public CountingRelay(IPEndPoint to)
    {
        _to = to;
        _listener.Start();
        _running = Task.Run(AcceptAsync);
    }

    public string Address => _listener.LocalEndpoint.ToString()!;

    public long Bytes => Interlocked.Read(ref _bytes);

    public async ValueTask DisposeAsync()
    {
        await _end.CancelAsync();
        _listener.Dispose();
        await _running.ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        _end.Dispose();
    }

    private async Task AcceptAsync()
    {
        while (true)
        {
            var near = await _listener.AcceptTcpClientAsync(_end.Token);
            _ = Task.Run(() => RelayAsync(near));
        }
    }

    private async Task RelayAsync(TcpClient near)
    {
        using (near)
        using (var far = new TcpClient())
        {
            try
            {
                await far.ConnectAsync(_to, _end.Token);
                await Task.WhenAny(PumpAsync(near.GetStream(), far.GetStream()), PumpAsync(far.GetStream(), near.GetStream()));
            }
            catch (Exception exception) when (exception is SocketException or OperationCanceledException)
            {
                // The connection ends on both sides, and who needs it comes again.
            }
        }
    }

    private async Task PumpAsync(NetworkStream from, NetworkStream to)
    {
        try
        {
            var buffer = new byte[256 * 1024];
            for (int count; (count = await from.ReadAsync(buffer, _end.Token)) > 0;)
            {
                await to.WriteAsync(buffer.AsMemory(0, count), _end.Token);
                Interlocked.Add(ref _bytes, count);
            }
        }
        catch (Exception exception) when (exception is IOException or ObjectDisposedException or OperationCanceledException)
        {
            // One end has gone; the other goes with it.
        }
    }
}
