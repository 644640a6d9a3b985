using System.Collections.Concurrent;
using System.Net;
using System.Net.Sockets;
using Dr.Contracts.Wire;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;

namespace Dr.Edge.Replication;

/// <summary>Accepts sources. Owns every incoming connection until it has ended.</summary>
internal sealed partial class ReplicationListener(ReplicationConfig config, TargetContext context, ILogger<ReplicationListener> logger) : IHostedService, IDisposable
{
    /// <summary>Connections at a time. Each has a thread, and a process that gets no more threads is ended by its runtime, volumes and all; a peer has one connection, whatever number of volumes it sends.</summary>
    internal const int MaxSources = 256;

    private readonly CancellationTokenSource _stopping = new();
    private readonly ConcurrentDictionary<Task, byte> _sessions = new();
    private Socket? _listener;
    private Task _accepting = Task.CompletedTask;

    /// <summary>Where it listens, once started; null when nothing is configured.</summary>
    public IPEndPoint? EndPoint { get; private set; }

    public Task StartAsync(CancellationToken cancellationToken)
    {
        if (config.Listen is null)
        {
            return Task.CompletedTask;
        }

        var endPoint = PeerAddress.ResolveLocal(config.Listen);
        _listener = new Socket(endPoint.AddressFamily, SocketType.Stream, ProtocolType.Tcp);
        try
        {
            _listener.Bind(endPoint);
            _listener.Listen(64);
        }
        catch (SocketException exception)
        {
            throw new DrException($"Replication cannot listen on {config.Listen}: {exception.Message}", "Another program may have the port; choose one with --replication.", exception);
        }

        EndPoint = (IPEndPoint)_listener.LocalEndPoint!;
        LogListening(EndPoint);
        _accepting = AcceptAsync(_listener);
        return Task.CompletedTask;
    }

    public async Task StopAsync(CancellationToken cancellationToken)
    {
        await _stopping.CancelAsync();
        _listener?.Dispose();
        await _accepting;
        await Task.WhenAll(_sessions.Keys);
    }

    public void Dispose()
    {
        _listener?.Dispose();
        _stopping.Dispose();
    }

    private async Task AcceptAsync(Socket listener)
    {
        while (!_stopping.IsCancellationRequested)
        {
            try
            {
                var socket = await listener.AcceptAsync(_stopping.Token);
                if (_sessions.Count >= MaxSources)
                {
                    LogFull(MaxSources);
                    socket.Dispose();
                    continue;
                }

                var session = ServeAsync(socket);
                _sessions.TryAdd(session, 0);
                _ = session.ContinueWith(done => _sessions.TryRemove(done, out _), TaskScheduler.Default);
            }
            catch (Exception) when (_stopping.IsCancellationRequested)
            {
                return;
            }
            catch (Exception exception)
            {
                // One connection that fell over before it was taken, or no descriptors for the moment: the next may do.
                LogAcceptFailed(exception.Message);
                await Task.Delay(TimeSpan.FromMilliseconds(100), CancellationToken.None);
            }
        }
    }

    private async Task ServeAsync(Socket socket)
    {
        var remote = "?";
        try
        {
            remote = socket.RemoteEndPoint?.ToString() ?? remote;
            var (line, problem) = await context.Tls.AcceptAsync(socket, _stopping.Token);
            await using var session = new TargetSession(socket, line, context);
            if (problem is not null)
            {
                LogRefused(remote, problem);
                await session.RefuseAsync(problem, _stopping.Token);
                return;
            }

            await session.RunAsync(_stopping.Token);
        }
        catch (OperationCanceledException)
        {
            // We are stopping.
        }
        catch (Exception exception) when (exception is DrException or IOException or SocketException)
        {
            LogConnectionEnded(remote, exception.Message);
        }
        catch (Exception exception)
        {
            // A fault of our own, met by one source: it comes again, and the others go on.
            LogFault(remote, exception);
        }
        finally
        {
            socket.Dispose(); // Also when it ended before anything owned it.
        }
    }

    [LoggerMessage(2001, LogLevel.Information, "Replication listens on {EndPoint}")]
    private partial void LogListening(IPEndPoint endPoint);

    [LoggerMessage(2002, LogLevel.Information, "The source {Remote} is gone: {Reason}")]
    private partial void LogConnectionEnded(string remote, string reason);

    [LoggerMessage(2004, LogLevel.Warning, "The source {Remote} is refused: {Reason}")]
    private partial void LogRefused(string remote, string reason);

    [LoggerMessage(2006, LogLevel.Warning, "All {Limit} places for sources are taken; one was turned away")]
    private partial void LogFull(int limit);

    [LoggerMessage(2005, LogLevel.Error, "The connection of the source {Remote} ended by a fault of this program; it starts again from what is on disk")]
    private partial void LogFault(string remote, Exception exception);

    [LoggerMessage(2003, LogLevel.Warning, "A source could not be accepted: {Reason}")]
    private partial void LogAcceptFailed(string reason);
}
