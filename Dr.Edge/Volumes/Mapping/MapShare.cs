namespace Dr.Edge.Volumes.Mapping;

/// <summary>
/// That somebody may still read what a map held at one moment. While it lasts, the map's writer copies what it held then before it changes it; afterwards it changes it in place again.
/// </summary>
/// <param name="stamp">Everything in the map with this stamp or a lower one is shared.</param>
/// <param name="parent">What the map itself shares with the one it was made of.</param>
internal sealed class MapShare(BlockMap owner, long stamp, MapShare? parent)
{
    private int _users = 1;

    public long Stamp { get; } = stamp;

    public MapShare AddUser()
    {
        Invariant.Require(Interlocked.Increment(ref _users) > 1, "a map that was given back was used again");
        return this;
    }

    public void Release()
    {
        if (Interlocked.Decrement(ref _users) == 0)
        {
            owner.EndShare(this);
            parent?.Release();
        }
    }
}
