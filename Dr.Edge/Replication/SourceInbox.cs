using System.Threading.Channels;

namespace Dr.Edge.Replication;

/// <summary>A stream's answers on their way from the connection to the stream.</summary>
internal sealed class SourceInbox(WorkSignal work)
{
    /// <summary>Answers are few and small (an acknowledgement for what came together, requests per frame sent); the limit is for a peer that is out of its mind.</summary>
    private const int MostWaiting = 16384;

    private readonly Channel<ReceivedMessage> _waiting =
        Channel.CreateBounded<ReceivedMessage>(new BoundedChannelOptions(MostWaiting) { SingleReader = true, SingleWriter = true, FullMode = BoundedChannelFullMode.Wait });

    public ChannelReader<ReceivedMessage> Reader => _waiting.Reader;

    /// <summary>Sees every answer on the connection's own thread before the stream does, for what somebody waits for; true when that was all there was to it. Must be quick.</summary>
    public Func<ReceivedMessage, bool>? Early { get; set; }

    public async ValueTask PostAsync(ReceivedMessage message, CancellationToken cancellationToken)
    {
        if (Early?.Invoke(message) == true)
        {
            return;
        }

        try
        {
            await _waiting.Writer.WriteAsync(message, cancellationToken);
        }
        catch (ChannelClosedException)
        {
            // An answer to a stream that we have just closed.
        }

        work.Set();
    }

    public void Complete()
    {
        _waiting.Writer.TryComplete();
        work.Set();
    }
}
