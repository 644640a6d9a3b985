namespace Dr.Edge.Volumes.Writing;

/// <summary>
/// Decides whether a client that was just answered a small write is about to ask for a flush, as a database does with every commit. What it asks for can then be done while the answer is on its
/// way to it and its next request on the way back. Only a guess about time: a flush that nobody asks for makes durable earlier what would have been so later. Pure: told of every append.
/// </summary>
internal struct FlushForecast
{
    /// <summary>Small writes in a row, each with a flush behind it, that make a pattern.</summary>
    public const int FlushesForForecast = 16;

    /// <summary>A write that no flush followed takes back what so many others have shown: at most one flush is made in vain for so many that are asked for.</summary>
    public const int HitsPerMiss = 4;

    private int _score;
    private long _flushes;

    /// <param name="flushes">How many flushes clients have asked for so far.</param>
    /// <param name="bytes">What is appended now.</param>
    /// <returns>Whether this one is going to be followed by a flush.</returns>
    public bool AtAppend(long flushes, long bytes)
    {
        var wasFlushed = flushes > _flushes;
        _flushes = flushes;
        var isSmall = bytes <= RoomAhead.SmallFlushBytes;
        _score = Math.Clamp(_score + (wasFlushed && isSmall ? 1 : -HitsPerMiss), 0, 2 * FlushesForForecast);
        return isSmall && _score >= FlushesForForecast;
    }
}
