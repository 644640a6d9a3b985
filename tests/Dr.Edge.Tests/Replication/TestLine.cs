using System.Net;
using System.Net.Sockets;

namespace Dr.Edge.Tests.Replication;

/// <summary>A line to another address, on a free loopback port; what it does to what it carries is the derived class's.</summary>
internal abstract class TestLine : IAsyncDisposable
{
    private readonly TcpListener _listener = new(IPAddress.Loopback, 0);
    private readonly CancellationTokenSource _stopping = new();
    private readonly string _target;
    private readonly Task _accepting;

    protected TestLine(string target)
    {
        _target = target;
        _listener.Start();
        _accepting = AcceptAsync();
    }

    public string Address => _listener.LocalEndpoint.ToString()!;

    public async ValueTask DisposeAsync()
    {
        await _stopping.CancelAsync();
        _listener.Dispose();
        await _accepting;
        _stopping.Dispose();
    }

    /// <summary>Carries both ways between the connected ends until one is gone; both are closed afterwards.</summary>
    protected abstract Task CarryAsync(Socket source, Socket target, CancellationToken cancellationToken);

    private async Task AcceptAsync()
    {
        var lines = new List<Task>();
        while (!_stopping.IsCancellationRequested)
        {
            try
            {
                lines.Add(ConnectAsync(await _listener.AcceptSocketAsync(_stopping.Token)));
            }
            catch (Exception exception) when (exception is OperationCanceledException or SocketException or ObjectDisposedException)
            {
                break;
            }
        }

        await Task.WhenAll(lines);
    }

    private async Task ConnectAsync(Socket near)
    {
        using var source = near;
        using var target = new Socket(SocketType.Stream, ProtocolType.Tcp);
        try
        {
            await target.ConnectAsync(IPEndPoint.Parse(_target), _stopping.Token);
            await CarryAsync(source, target, _stopping.Token);
        }
        catch (Exception exception) when (exception is SocketException or OperationCanceledException or ObjectDisposedException)
        {
            // One end is gone: so is the line.
        }
    }
}
