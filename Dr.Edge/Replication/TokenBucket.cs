namespace Dr.Edge.Replication;

/// <summary>
/// Limits a rate. Pure: time comes in as elapsed time since any start. A message is always let go whole and its debt waited off before the next, so messages larger than the burst pass too.
/// </summary>
internal sealed class TokenBucket
{
    private double _bytesPerSecond;
    private double _tokens;
    private TimeSpan _at;

    public TokenBucket(double? bytesPerSecond) => SetRate(bytesPerSecond, default);

    /// <summary>How much may go at once after a pause: a tenth of a second's worth, at least one full frame of 64 KiB.</summary>
    private double Burst => Math.Max(_bytesPerSecond / 10, 64 * 1024);

    /// <summary>Changes the rate at once; null = unlimited.</summary>
    public void SetRate(double? bytesPerSecond, TimeSpan now)
    {
        _bytesPerSecond = bytesPerSecond is > 0 ? bytesPerSecond.Value : double.PositiveInfinity;
        (_tokens, _at) = (double.IsInfinity(_bytesPerSecond) ? 0 : Burst, now);
    }

    /// <summary>Takes <paramref name="bytes"/> and returns how long to wait before sending them.</summary>
    public TimeSpan Take(long bytes, TimeSpan now)
    {
        if (double.IsInfinity(_bytesPerSecond))
        {
            return TimeSpan.Zero;
        }

        _tokens = Math.Min(Burst, _tokens + ((now - _at).TotalSeconds * _bytesPerSecond));
        _at = now;
        var debt = -_tokens;
        _tokens -= bytes;
        return debt <= 0 ? TimeSpan.Zero : TimeSpan.FromSeconds(debt / _bytesPerSecond);
    }
}
