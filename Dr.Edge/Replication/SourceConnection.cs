using System.Collections.Concurrent;
using Dr.Contracts.Wire;

namespace Dr.Edge.Replication;

/// <summary>A greeted connection to a peer, shared by the volumes that are copied there; gives each its stream number and inbox.</summary>
internal sealed class SourceConnection(FrameConnection connection)
{
    private readonly ConcurrentDictionary<int, SourceInbox> _inboxes = new();
    private int _streams;

    public FrameConnection Frames => connection;

    /// <summary>What both ends speak, once greeted.</summary>
    public int Version { get; set; }

    /// <summary>Ends every stream with the connection.</summary>
    public CancellationTokenSource Ended { get; } = new();

    /// <param name="work">Set for every answer.</param>
    public (int Stream, SourceInbox Inbox) Open(WorkSignal work)
    {
        var stream = Interlocked.Increment(ref _streams);
        return (stream, _inboxes[stream] = new SourceInbox(work));
    }

    public void Close(int stream)
    {
        if (_inboxes.TryRemove(stream, out var inbox))
        {
            inbox.Complete();
        }
    }

    public ValueTask OnMessageAsync(ReceivedMessage message, CancellationToken cancellationToken) =>
        _inboxes.TryGetValue(message.Header.Stream, out var inbox) ? inbox.PostAsync(message, cancellationToken) : ValueTask.CompletedTask;
}
