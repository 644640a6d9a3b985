namespace Dr.Edge.Volumes.Writing;

/// <summary>
/// Decides when zeros are written behind the end of the head. A database flushes after every few blocks; when such a flush finds its place in the file written before, the file
/// system has no new length and no new blocks to make durable with it, which is half of what the flush costs. Pure: told of every flush, it answers how much room to make.
/// </summary>
internal struct RoomAhead
{
    /// <summary>Small flushes that make a pattern.</summary>
    public const int FlushesForRoom = 16;

    /// <summary>
    /// A large flush takes back what so many small ones have shown, so that the pattern holds while at least four of five are small: a database's log carries a burst of whole pages
    /// every now and then, and two copied files in a row do not make it a log.
    /// </summary>
    public const int SmallPerLarge = 4;

    /// <summary>Bytes appended since the last flush up to which it is small: a database's log, not a copy of a file system.</summary>
    public const int SmallFlushBytes = 64 * 1024;

    /// <summary>Less room than this is made larger, so that no small flush is caught without.</summary>
    public const int LeastRoomBytes = 2 * SmallFlushBytes;

    /// <summary>Room made at once: for some 240 flushes of one block, and about a millisecond of an ordinary disk's time in one of them.</summary>
    public const int ChunkBytes = 1024 * 1024;

    private int _smallFlushes;
    private long _layer;
    private long _tail;

    /// <summary>Bytes of zeros to write now; 0 = none.</summary>
    /// <param name="layer">Number of the head: a new one begins with no room, but the pattern goes on.</param>
    /// <param name="tail">End of what is appended.</param>
    /// <param name="roomEnd">End of the zeros behind it; anything up to <paramref name="tail"/> when there are none.</param>
    public int AtFlush(long layer, long tail, long roomEnd)
    {
        var appended = layer == _layer ? tail - _tail : 0;
        (_layer, _tail) = (layer, tail);
        _smallFlushes = Math.Clamp(_smallFlushes + (appended > SmallFlushBytes ? -SmallPerLarge : 1), 0, 2 * FlushesForRoom);
        return _smallFlushes >= FlushesForRoom && roomEnd - tail < LeastRoomBytes ? ChunkBytes : 0;
    }
}
