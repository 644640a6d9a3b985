using System.Threading.Channels;

namespace Dr.Edge.Link;

/// <summary>Remembers that a beat is wanted at once; requests before it is sent are one.</summary>
internal sealed class BeatTrigger : IBeatTrigger
{
    private readonly Channel<bool> _wanted = Channel.CreateBounded<bool>(new BoundedChannelOptions(1) { FullMode = BoundedChannelFullMode.DropWrite });

    public void RequestBeatNow() => _wanted.Writer.TryWrite(true);

    public async Task WaitAsync(CancellationToken cancellationToken) => await _wanted.Reader.ReadAsync(cancellationToken);

    /// <summary>A beat is on its way: what was wanted before is in it.</summary>
    public void Clear() => _wanted.Reader.TryRead(out _);
}
