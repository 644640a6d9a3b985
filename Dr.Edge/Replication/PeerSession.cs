using Dr.Contracts.Wire;
using Dr.Edge.Replication.Line;
using Microsoft.Extensions.Logging;

namespace Dr.Edge.Replication;

/// <summary>Keeps one connection to one peer for as long as it is wanted, coming back with jittered pauses.</summary>
internal sealed partial class PeerSession : IAsyncDisposable
{
    private static readonly TimeSpan ConnectTimeout = TimeSpan.FromSeconds(5);
    private readonly NodeIdentity _identity;
    private readonly ReplicationTls _tls;
    private readonly TimeProvider _time;
    private readonly ILogger _logger;
    private readonly CancellationTokenSource _stopping = new();
    private readonly Lock _lock = new(); // Guards _current.
    private readonly Task _running;
    private TaskCompletionSource<SourceConnection> _current = NewSource();

    public PeerSession(string peer, NodeIdentity identity, ReplicationTls tls, TimeProvider time, ILogger logger)
    {
        (Peer, _identity, _tls, _time, _logger) = (peer, identity, tls, time, logger);
        _running = Task.Run(RunAsync);
    }

    public string Peer { get; }

    /// <summary>Why there is no connection at the moment; null when there is one.</summary>
    public string? Trouble { get; private set; }

    /// <summary>The connection, as soon as there is one.</summary>
    public Task<SourceConnection> GetAsync(CancellationToken cancellationToken)
    {
        lock (_lock)
        {
            return _current.Task.WaitAsync(cancellationToken);
        }
    }

    public async ValueTask DisposeAsync()
    {
        await _stopping.CancelAsync();
        await _running;
        _stopping.Dispose();
    }

    private static TaskCompletionSource<SourceConnection> NewSource() => new(TaskCreationOptions.RunContinuationsAsynchronously);

    private async Task RunAsync()
    {
        var failures = 0;
        while (!_stopping.IsCancellationRequested)
        {
            try
            {
                await ConnectAndRunAsync(() => failures = 0);
            }
            catch (OperationCanceledException) when (_stopping.IsCancellationRequested)
            {
                return;
            }
            catch (Exception exception)
            {
                // Whatever it was, the next attempt starts from nothing: a connection that fell over before it could be used must not end the trying for good.
                failures++;
                var reason = exception is OperationCanceledException ? $"The peer {Peer} does not answer." : exception.Message;
                if (failures == 1)
                {
                    LogLost(_logger, Peer, reason);
                }

                Trouble = reason;
            }

            try
            {
                await Task.Delay(Backoff.After(Math.Max(1, failures), Random.Shared.NextDouble()), _time, _stopping.Token);
            }
            catch (OperationCanceledException)
            {
                return;
            }
        }
    }

    private async Task ConnectAndRunAsync(Action onGreeted)
    {
        using var timeout = CancellationTokenSource.CreateLinkedTokenSource(_stopping.Token);
        timeout.CancelAfter(ConnectTimeout);
        using var socket = await PeerAddress.ConnectAsync(Peer, timeout.Token);
        await using var frames = new FrameConnection(socket, await _tls.ConnectAsync(socket, Peer, timeout.Token), _time);
        var connection = new SourceConnection(frames);
        var greeting = new GreetingState();
        try
        {
            await frames.SendAsync(FrameStamp.Connection, _identity.ToHello(), timeout.Token);
            await frames.RunAsync(
                (message, cancellationToken) => message.Header.Stream != 0
                    ? connection.OnMessageAsync(message, cancellationToken)
                    : OnConnectionMessage(message, greeting, connection, onGreeted),
                _stopping.Token);
        }
        finally
        {
            lock (_lock)
            {
                if (_current.Task.IsCompleted)
                {
                    _current = NewSource();
                }
            }

            await connection.Ended.CancelAsync();
        }
    }

    private ValueTask OnConnectionMessage(ReceivedMessage message, GreetingState greeting, SourceConnection connection, Action onGreeted)
    {
        switch (message.Header.Type)
        {
            case FrameType.Hello when !greeting.Done:
                var theirs = message.Decode<Hello>();
                if (theirs.Node == _identity.Node)
                {
                    throw new DrException($"The peer {Peer} is this machine itself.", "A copy must be on another appliance.", isTransient: true);
                }

                connection.Version = Hello.Negotiate(_identity.ToHello(), theirs)
                    ?? throw new DrException($"The peer {Peer} speaks no version of the protocol that we do.", "Update the older side.", isTransient: true);
                greeting.Done = true;
                Trouble = null;
                onGreeted();
                LogConnected(_logger, Peer, theirs.Device, theirs.Software);
                lock (_lock)
                {
                    _current.TrySetResult(connection);
                }

                return ValueTask.CompletedTask;
            case FrameType.Error:
                var refusal = message.Decode<Refusal>();
                throw new DrException($"The peer {Peer} refuses: {refusal.Message}", refusal.Hint, isTransient: true);
            default:
                throw new DrException($"The peer {Peer} sent a {message.Header.Type} frame where none belongs.", isTransient: true);
        }
    }

    [LoggerMessage(2201, LogLevel.Information, "Connected to the peer {Peer} ({Device}, {Software})")]
    private static partial void LogConnected(ILogger logger, string peer, string device, string software);

    [LoggerMessage(2202, LogLevel.Warning, "The peer {Peer} is out of reach: {Reason}")]
    private static partial void LogLost(ILogger logger, string peer, string reason);

    private sealed class GreetingState
    {
        public bool Done { get; set; }
    }
}
