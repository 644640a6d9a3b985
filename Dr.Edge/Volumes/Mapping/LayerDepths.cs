namespace Dr.Edge.Volumes.Mapping;

/// <summary>How far down each block's data lie: 1 in the newest layer, one more for each older one, then the layers of the volume that a clone was made of, and the base last. Pure.</summary>
/// <param name="slots">The layers' slots, newest first.</param>
internal sealed class LayerDepths(IReadOnlyList<int> slots)
{
    /// <summary>Blocks looked at for one answer: some 10 ms. What is left of the question is asked again.</summary>
    public const int MaxBlocks = 1 << 18;

    private readonly Dictionary<int, int> _depths = slots.Select((slot, index) => (slot, index)).ToDictionary(pair => pair.slot, pair => pair.index + 1);

    /// <summary>The depth of the base.</summary>
    public int Base => slots.Count + 1;

    /// <summary>0 where nothing is kept: never written, or zeros. A file that is none of the layers any more has moved into the base.</summary>
    public int Of(BlockMap map, long block)
    {
        var location = map.Get(block, out _);
        return !map.IsContent(block, location) ? 0 : location.IsData ? _depths.GetValueOrDefault(location.Slot, Base) : Base;
    }

    /// <summary>The first block from <paramref name="block"/> on, at most <paramref name="end"/>, that is not as deep; sooner when <paramref name="budget"/> (counted down) is used up.</summary>
    public long FindChange(BlockMap map, long block, long end, int depth, ref int budget)
    {
        if (depth == 0)
        {
            return map.Find(block, end, content: true);
        }

        while (block < end && budget > 0 && Of(map, block) == depth)
        {
            block++;
            budget--;
        }

        return block;
    }
}
