using System.Net;
using System.Net.Sockets;

namespace Dr.Edge.Tests.Host;

/// <summary>An address that moves from one machine to another, as a service address does at a takeover.</summary>
internal sealed class MovingAddress : IAsyncDisposable
{
    private readonly TcpListener _listener = new(IPAddress.Loopback, 0);
    private readonly CancellationTokenSource _stopping = new();
    private readonly Task _accepting;
    private CancellationTokenSource _here = new();
    private volatile string _target;

    public MovingAddress(string target)
    {
        _target = target;
        _listener.Start();
        _accepting = AcceptAsync();
    }

    public string Address => _listener.LocalEndpoint.ToString()!;

    /// <summary>Connections to where it was are gone.</summary>
    public async Task MoveAsync(string target)
    {
        _target = target;
        var old = Interlocked.Exchange(ref _here, new CancellationTokenSource());
        await old.CancelAsync();
    }

    public async ValueTask DisposeAsync()
    {
        await _stopping.CancelAsync();
        await _here.CancelAsync();
        _listener.Dispose();
        await _accepting;
    }

    private async Task AcceptAsync()
    {
        var lines = new List<Task>();
        while (!_stopping.IsCancellationRequested)
        {
            try
            {
                lines.Add(CarryAsync(await _listener.AcceptTcpClientAsync(_stopping.Token), _here.Token));
            }
            catch (Exception exception) when (exception is OperationCanceledException or SocketException)
            {
                break;
            }
        }

        await Task.WhenAll(lines);
    }

    private async Task CarryAsync(TcpClient client, CancellationToken here)
    {
        using var near = client;
        using var far = new TcpClient();
        try
        {
            var end = IPEndPoint.Parse(_target);
            await far.ConnectAsync(end, here);
            (near.NoDelay, far.NoDelay) = (true, true);
            using var over = CancellationTokenSource.CreateLinkedTokenSource(here);
            Task[] ways = [near.GetStream().CopyToAsync(far.GetStream(), over.Token), far.GetStream().CopyToAsync(near.GetStream(), over.Token)];
            await Task.WhenAny(ways);
            await over.CancelAsync();
            await Task.WhenAll(ways);
        }
        catch (Exception exception) when (exception is SocketException or IOException or OperationCanceledException)
        {
            // Nobody is there at the moment, or no longer.
        }
    }
}
