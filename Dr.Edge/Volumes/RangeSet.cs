namespace Dr.Edge.Volumes;

/// <summary>Block ranges, ascending and apart.</summary>
internal sealed class RangeSet
{
    private readonly List<BlockRange> _ranges = [];

    public IReadOnlyList<BlockRange> Ranges => _ranges;

    public void Add(long first, long count)
    {
        var end = first + count;
        var index = FirstEndingAtOrAfter(first);
        var last = index;
        while (last < _ranges.Count && _ranges[last].First <= end)
        {
            first = Math.Min(first, _ranges[last].First);
            end = Math.Max(end, _ranges[last].First + _ranges[last].Count);
            last++;
        }

        _ranges.RemoveRange(index, last - index);
        _ranges.Insert(index, new BlockRange(first, end - first));
    }

    public void Remove(long first, long count)
    {
        var end = first + count;
        for (var index = FirstEndingAtOrAfter(first + 1); index < _ranges.Count && _ranges[index].First < end;)
        {
            var range = _ranges[index];
            _ranges.RemoveAt(index);
            if (range.First < first)
            {
                _ranges.Insert(index++, new BlockRange(range.First, first - range.First));
            }

            if (range.First + range.Count > end)
            {
                _ranges.Insert(index++, new BlockRange(end, range.First + range.Count - end));
            }
        }
    }

    private int FirstEndingAtOrAfter(long block)
    {
        int low = 0, high = _ranges.Count;
        while (low < high)
        {
            var middle = (low + high) / 2;
            if (_ranges[middle].First + _ranges[middle].Count < block)
            {
                low = middle + 1;
            }
            else
            {
                high = middle;
            }
        }

        return low;
    }
}
