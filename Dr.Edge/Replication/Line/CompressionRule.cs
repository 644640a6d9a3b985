namespace Dr.Edge.Replication.Line;

/// <summary>
/// Decides whether compressing what a journal is sent in is worth the processor's time: where the line is what the copy waits for, where it is far away, and where there is so little to send that nobody notices. Bytes
/// saved on a line that has room are paid for by the volume's clients. Pure; one owner.
/// </summary>
internal sealed class CompressionRule
{
    /// <summary>Bytes per second. Compression and decompression together move about three times as much on one core of each end; a faster line is better left to carry what there is.</summary>
    public const double FastestLineBytesPerSecond = 100e6;

    /// <summary>Up to here compressing takes less than a tenth of a core, and a busy database's log, which shrinks to a tenth, stays below.</summary>
    public const double AffordableBytesPerSecond = 30e6;

    /// <summary>From this round trip on, which is more than a site has within itself, a synchronous write does not notice the microseconds that its compression takes.</summary>
    public static readonly TimeSpan FarAway = TimeSpan.FromMilliseconds(1);

    /// <summary>What was sent is counted for so long.</summary>
    public static readonly TimeSpan Sample = TimeSpan.FromSeconds(1);

    private TimeSpan _since;
    private long _bytes;
    private double _rate;

    /// <param name="bytes">Sent now, before compression.</param>
    /// <param name="now">Of a clock that only goes on.</param>
    public void Sent(long bytes, TimeSpan now)
    {
        _bytes += bytes;
        if (now - _since >= Sample)
        {
            (_rate, _since, _bytes) = (_bytes / (now - _since).TotalSeconds, now, 0);
        }
    }

    /// <param name="lineBytesPerSecond">What the line carries or may carry; <see cref="double.MaxValue"/> when it is not what limits the copy.</param>
    /// <param name="roundTrip">Of a synchronous copy's writes; null for others.</param>
    public bool Pays(double lineBytesPerSecond, TimeSpan? roundTrip) =>
        lineBytesPerSecond <= FastestLineBytesPerSecond || (roundTrip is { } trip ? trip >= FarAway : Math.Max(_rate, _bytes / Sample.TotalSeconds) <= AffordableBytesPerSecond);
}
