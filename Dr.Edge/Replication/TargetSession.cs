using System.Net.Sockets;
using Dr.Contracts.Wire;

namespace Dr.Edge.Replication;

/// <summary>One accepted connection: greets, then hands every message to the stream of its volume.</summary>
internal sealed class TargetSession(Socket socket, Stream line, TargetContext context) : IAsyncDisposable
{
    /// <summary>More volumes than any pair of appliances has; a peer cannot make us keep more.</summary>
    private const int MaxStreams = 1024;

    /// <summary>The other end reads a refusal and goes; one that does not is closed.</summary>
    private static readonly TimeSpan RefusalWithin = TimeSpan.FromSeconds(2);

    private readonly FrameConnection _connection = new(socket, line, context.Time);
    private readonly Dictionary<int, TargetStream> _streams = [];
    private int? _version;

    public string RemoteName { get; } = socket.RemoteEndPoint?.ToString() ?? "?";

    /// <summary>Returns only by throwing: the connection ended, or we did.</summary>
    public async Task RunAsync(CancellationToken cancellationToken)
    {
        try
        {
            await _connection.RunAsync(OnMessageAsync, cancellationToken);
        }
        finally
        {
            foreach (var stream in _streams.Values)
            {
                await stream.DisposeAsync();
            }
        }
    }

    /// <summary>Says why nothing is taken from the other end, which then has to go.</summary>
    public async Task RefuseAsync(string problem, CancellationToken cancellationToken)
    {
        using var patience = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        patience.CancelAfter(RefusalWithin);
        var refusal = new Refusal(RefusalCode.Protocol, $"your certificate is not accepted: {problem}", "Both appliances need certificates of the same CA ('replication: tls').");
        await _connection.SendAsync(FrameStamp.Connection, refusal, patience.Token);

        // Closing over bytes that nobody read would take the refusal back: what comes is thrown away until the other end has gone.
        await _connection.RunAsync(static (_, _) => ValueTask.CompletedTask, patience.Token);
    }

    public ValueTask DisposeAsync() => _connection.DisposeAsync();

    private async ValueTask OnMessageAsync(ReceivedMessage message, CancellationToken cancellationToken)
    {
        if (message.Header.Stream == 0)
        {
            await OnConnectionMessageAsync(message, cancellationToken);
            return;
        }

        if (_version is not { } version)
        {
            throw new DrException($"{RemoteName} sent a volume before its greeting.", isTransient: true);
        }

        if (!_streams.TryGetValue(message.Header.Stream, out var stream))
        {
            await ForgetEndedAsync();
            if (_streams.Count >= MaxStreams)
            {
                throw new DrException($"{RemoteName} opened more than {MaxStreams} streams.", isTransient: true);
            }

            _streams.Add(message.Header.Stream, stream = new TargetStream(context, _connection, version, message.Header.Stream));
        }

        await stream.PostAsync(message, cancellationToken);
    }

    // Each attempt of a source is a stream of its own: without this, one that is refused again and again would use them all up.
    private async Task ForgetEndedAsync()
    {
        foreach (var (number, ended) in _streams.Where(s => s.Value.HasEnded).ToArray())
        {
            _streams.Remove(number);
            await ended.DisposeAsync();
        }
    }

    private async Task OnConnectionMessageAsync(ReceivedMessage message, CancellationToken cancellationToken)
    {
        switch (message.Header.Type)
        {
            case FrameType.Hello when _version is null:
                var ours = context.Identity.ToHello();
                if (Hello.Negotiate(ours, message.Decode<Hello>()) is not { } version)
                {
                    await _connection.SendAsync(FrameStamp.Connection, new Refusal(RefusalCode.Version, "No version of the protocol in common.", "Update the older side."), cancellationToken);
                    throw new DrException($"{RemoteName} speaks no version of the protocol that we do.", isTransient: true);
                }

                await _connection.SendAsync(FrameStamp.Connection, ours, cancellationToken);
                _version = version;
                break;
            default:
                throw new DrException($"{RemoteName} sent a {message.Header.Type} frame where none belongs.", isTransient: true);
        }
    }
}
