using System.Net.Sockets;
using System.Net;
using Dr.Edge.Nbd.Tls;
using Dr.Edge.Volumes;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;

namespace Dr.Edge.Nbd;

/// <summary>Owns the listeners and every connection: admits within the limits, and ends all of them on stop.</summary>
internal sealed partial class NbdServer(IExportCatalog catalog, NbdConfig options, NbdLimits limits, TimeProvider time, ILogger<NbdServer> logger, Contracts.Tls.Revocations? revocations = null) : IHostedService, IDisposable
{
    private readonly LargeBufferPool _pool = new(limits.MaxLargeBuffers);
    private readonly List<NbdListener> _listeners = [];
    private readonly List<Task> _loops = [];
    private readonly CancellationTokenSource _stopping = new();
    private NbdTls? _tls;

    // Guards _connections and the change to stopping.
    private readonly Lock _gate = new();
    private readonly HashSet<NbdConnection> _connections = [];
    private readonly NbdSessionCounters _gone = new(); // Under _gate.

    /// <summary>Listening addresses in the order TCP, Unix; the port is the real one.</summary>
    public IReadOnlyList<EndPoint> EndPoints => [.. _listeners.Select(listener => listener.EndPoint)];

    public int ConnectionCount
    {
        get
        {
            lock (_gate)
            {
                return _connections.Count;
            }
        }
    }

    /// <summary>What all clients have done since the start, those that are gone included.</summary>
    public NbdSessionCounters Totals()
    {
        var totals = new NbdSessionCounters();
        lock (_gate)
        {
            totals.Add(_gone);
            foreach (var connection in _connections)
            {
                totals.Add(connection.Counters);
            }
        }

        return totals;
    }

    public LargeBufferPool Pool => _pool;

    public async Task StartAsync(CancellationToken cancellationToken)
    {
        // Before any socket: whoever asked for TLS must never be served without it.
        _tls = NbdTls.Create(options.Tls, time, logger, revocations);
        if (options.Listen is { Length: > 0 } address)
        {
            _listeners.Add(await NbdListener.ListenTcpAsync(address, logger, cancellationToken));
        }

        if (options.Socket is { Length: > 0 } path)
        {
            _listeners.Add(NbdListener.ListenUnix(path, logger));
        }

        foreach (var listener in _listeners)
        {
            _loops.Add(listener.RunAsync(socket => Admit(socket, listener.Address), _stopping.Token));
            LogListening(listener.Address);
        }
    }

    /// <summary>No new clients; requests that have arrived are answered with "shutting down"; who lingers is cut off after <see cref="NbdLimits.ShutdownTime"/>.</summary>
    public async Task StopAsync(CancellationToken cancellationToken)
    {
        NbdConnection[] connections;
        lock (_gate)
        {
            _stopping.Cancel();
            connections = [.. _connections];
        }

        foreach (var connection in connections)
        {
            connection.RequestStop();
        }

        await Task.WhenAll(_loops);
        foreach (var listener in _listeners)
        {
            listener.Dispose();
        }

        var ended = Task.WhenAll(connections.Select(connection => connection.Ended));
        try
        {
            await ended.WaitAsync(limits.ShutdownTime, time, cancellationToken);
        }
        catch (Exception exception) when (exception is TimeoutException or OperationCanceledException)
        {
            foreach (var connection in connections)
            {
                connection.Abort();
            }

            // Only work on the disk can still hold a thread; the volumes are closed after this, so it is waited for.
            await ended;
        }

        LogStopped(connections.Length);
    }

    public void Dispose() => _stopping.Dispose();

    private void Admit(Socket socket, string localName)
    {
        NbdConnection connection;
        try
        {
            connection = new NbdConnection(new SocketChannel(socket, limits.IdleTime, localName), catalog, _tls, _pool, limits, time, Remove, logger)
            {
                Address = socket.RemoteEndPoint is IPEndPoint remote ? remote.Address.ToString() : localName,
            };
        }
        catch (SocketException exception)
        {
            // The client was gone before its options could be set.
            LogVanished(exception);
            socket.Dispose();
            return;
        }

        lock (_gate)
        {
            if (_stopping.IsCancellationRequested || !MakePlace(connection.Address))
            {
                socket.Dispose();
                return;
            }

            _connections.Add(connection);
        }

        try
        {
            connection.Start();
        }
        catch (OutOfMemoryException exception)
        {
            // No thread to be had: this client is turned away, those that have one go on.
            LogNoThread(exception);
            connection.Discard();
        }
    }

    /// <summary>True when there is a place, or will be because an unfinished handshake was cut to make one: the address's own where the address has all it may have. Working clients are never cut.</summary>
    private bool MakePlace(string address)
    {
        var here = _connections.Where(connection => !connection.IsCut).ToList();
        var own = here.FindAll(connection => connection.Address == address);
        if (own.Count >= limits.MaxConnectionsPerAddress)
        {
            return CutOldestHandshake(own, address, limits.MaxConnectionsPerAddress);
        }

        return here.Count < limits.MaxConnections || CutOldestHandshake(here, "all addresses", limits.MaxConnections);
    }

    private bool CutOldestHandshake(List<NbdConnection> candidates, string whose, int limit)
    {
        // Twice the number bounds what is cut but not yet gone.
        var oldest = candidates.Where(connection => !connection.IsTransmitting).MinBy(connection => connection.AcceptedAt);
        if (oldest is null || _connections.Count >= 2 * limits.MaxConnections)
        {
            LogFull(limit, whose);
            return false;
        }

        oldest.Abort();
        LogMadePlace(limit, whose);
        return true;
    }

    private void Remove(NbdConnection connection)
    {
        lock (_gate)
        {
            if (_connections.Remove(connection))
            {
                _gone.Add(connection.Counters);
            }
        }
    }

    [LoggerMessage(1131, LogLevel.Information, "Serving NBD clients on {Address}")]
    private partial void LogListening(string address);

    [LoggerMessage(1132, LogLevel.Information, "NBD server stopped; {Connections} clients were attached")]
    private partial void LogStopped(int connections);

    [LoggerMessage(1133, LogLevel.Warning, "All {Limit} places for NBD clients of {Whose} are taken; a client was turned away")]
    private partial void LogFull(int limit, string whose);

    [LoggerMessage(1134, LogLevel.Warning, "All {Limit} places for NBD clients of {Whose} are taken; the oldest unfinished handshake was cut")]
    private partial void LogMadePlace(int limit, string whose);

    [LoggerMessage(1136, LogLevel.Error, "No thread could be started for an NBD client; it was turned away")]
    private partial void LogNoThread(Exception exception);

    [LoggerMessage(1135, LogLevel.Debug, "A client was gone before its handshake began")]
    private partial void LogVanished(Exception exception);
}
