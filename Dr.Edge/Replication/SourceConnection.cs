using System.Collections.Concurrent;
using System.Threading.Channels;
using Dr.Contracts.Wire;

namespace Dr.Edge.Replication;

/// <summary>A greeted connection to a peer, shared by the volumes that are copied there; gives each its stream number and inbox.</summary>
internal sealed class SourceConnection(FrameConnection connection)
{
    private readonly ConcurrentDictionary<int, ChannelWriter<ReceivedMessage>> _inboxes = new();
    private int _streams;

    public FrameConnection Frames => connection;

    /// <summary>What both ends speak, once greeted.</summary>
    public int Version { get; set; }

    /// <summary>Ends every stream with the connection.</summary>
    public CancellationTokenSource Ended { get; } = new();

    public (int Stream, ChannelReader<ReceivedMessage> Inbox) Open()
    {
        var stream = Interlocked.Increment(ref _streams);

        // Answers are few and small (an acknowledgement per flush, requests per frame sent); the limit is for a peer that is out of its mind.
        var inbox = Channel.CreateBounded<ReceivedMessage>(new BoundedChannelOptions(16384) { SingleReader = true, SingleWriter = true, FullMode = BoundedChannelFullMode.Wait });
        _inboxes[stream] = inbox.Writer;
        return (stream, inbox.Reader);
    }

    public void Close(int stream)
    {
        if (_inboxes.TryRemove(stream, out var inbox))
        {
            inbox.TryComplete();
        }
    }

    public async ValueTask OnMessageAsync(ReceivedMessage message, CancellationToken cancellationToken)
    {
        if (_inboxes.TryGetValue(message.Header.Stream, out var inbox))
        {
            try
            {
                await inbox.WriteAsync(message, cancellationToken);
            }
            catch (ChannelClosedException)
            {
                // An answer to a stream that we have just closed.
            }
        }
    }
}
