using System.Collections.Concurrent;
using System.Net;
using System.Net.Sockets;
using Dr.Contracts.Mqtt.Client;

namespace Dr.EndToEnd.Tests.Link;

/// <summary>A line between a device and its broker that can be cut, or go silent with every socket still open.</summary>
internal sealed class CutProxy : IAsyncDisposable
{
    private readonly BrokerAddress _target;
    private readonly TcpListener _listener = new(IPAddress.Loopback, 0);
    private readonly CancellationTokenSource _stopping = new();
    private readonly ConcurrentDictionary<Line, byte> _lines = new();
    private readonly Task _accepting;
    private int _accepted;

    public CutProxy(BrokerAddress target)
    {
        _target = target;
        _listener.Start();
        Address = new BrokerAddress("127.0.0.1", ((IPEndPoint)_listener.LocalEndpoint).Port);
        _accepting = AcceptAsync();
    }

    public BrokerAddress Address { get; }

    public int Accepted => Volatile.Read(ref _accepted);

    /// <summary>New connections are closed at once.</summary>
    public bool Refusing { get; set; }

    /// <summary>New connections are accepted and nothing comes through, as when packets vanish on the way.</summary>
    public bool Swallowing { get; set; }

    /// <summary>Ends every connection, on both sides.</summary>
    public void Cut()
    {
        foreach (var line in _lines.Keys)
        {
            line.Dispose();
        }
    }

    /// <summary>Every present connection stays open and passes nothing on any more; new ones work.</summary>
    public void Silence()
    {
        foreach (var line in _lines.Keys)
        {
            line.Silent = true;
        }
    }

    public async ValueTask DisposeAsync()
    {
        await _stopping.CancelAsync();
        _listener.Stop();
        Cut();
        await _accepting;
        _stopping.Dispose();
    }

    private async Task AcceptAsync()
    {
        try
        {
            while (true)
            {
                var near = await _listener.AcceptTcpClientAsync(_stopping.Token);
                Interlocked.Increment(ref _accepted);
                var far = new TcpClient();
                try
                {
                    if (Refusing)
                    {
                        throw new SocketException((int)SocketError.ConnectionRefused);
                    }

                    await far.ConnectAsync(_target.Host, _target.Port, _stopping.Token);
                }
                catch (SocketException)
                {
                    near.Dispose();
                    far.Dispose();
                    continue;
                }

                near.NoDelay = far.NoDelay = true;
                var line = new Line(near, far) { Silent = Swallowing };
                _lines.TryAdd(line, 0);
                _ = line.RunAsync();
            }
        }
        catch (Exception exception) when (exception is OperationCanceledException or SocketException or ObjectDisposedException)
        {
            // Disposed.
        }
    }

    private sealed class Line(TcpClient near, TcpClient far) : IDisposable
    {
        public volatile bool Silent;

        public Task RunAsync() => Task.WhenAll(PumpAsync(near, far), PumpAsync(far, near));

        public void Dispose()
        {
            // Reset, not a polite FIN: the device must see a cut line.
            near.Client?.Close(0);
            far.Client?.Close(0);
        }

        private async Task PumpAsync(TcpClient from, TcpClient to)
        {
            var buffer = new byte[16 * 1024];
            try
            {
                int length;
                while ((length = await from.GetStream().ReadAsync(buffer)) > 0)
                {
                    if (!Silent)
                    {
                        await to.GetStream().WriteAsync(buffer.AsMemory(0, length));
                    }
                }
            }
            catch (Exception exception) when (exception is IOException or ObjectDisposedException or InvalidOperationException)
            {
                // Cut.
            }

            if (!Silent)
            {
                Dispose();
            }
        }
    }
}
