namespace Dr.Edge.Replication.Line;

/// <summary>
/// What a line carries, measured by what a sender that has more to send gets rid of. Only a sender that waits for the line most of the time learns its rate; one that is slow itself learns nothing. A receiver that takes
/// things in slowly is no different from a slow line. Pure; one owner at a time.
/// </summary>
internal sealed class LineGauge
{
    /// <summary>A sample lasts at least so long, over as many sends as that takes: what the buffers between the two ends swallow at once is then little beside what has gone through them.</summary>
    public static readonly TimeSpan Sample = TimeSpan.FromSeconds(1);

    /// <summary>Part of the time that the sender has to have waited.</summary>
    public const double WaitingShare = 0.5;

    private long _bytes;
    private TimeSpan _waited;
    private TimeSpan _elapsed;

    /// <summary>Bytes on the wire in a second, of the last sample; <see cref="double.MaxValue"/> when that did not wait for the line, or before the first.</summary>
    public double BytesPerSecond { get; private set; } = double.MaxValue;

    /// <param name="bytes">Sent.</param>
    /// <param name="waited">For them to be taken.</param>
    /// <param name="elapsed">Since what was added before, that wait included.</param>
    public void Add(long bytes, TimeSpan waited, TimeSpan elapsed)
    {
        _bytes += bytes;
        _waited += waited;
        _elapsed += elapsed;
        if (_elapsed < Sample)
        {
            return;
        }

        BytesPerSecond = _waited >= _elapsed * WaitingShare ? _bytes / _elapsed.TotalSeconds : double.MaxValue;
        (_bytes, _waited, _elapsed) = (0, TimeSpan.Zero, TimeSpan.Zero);
    }
}
