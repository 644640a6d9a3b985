using Dr.Edge.Volumes.Mapping;

namespace Dr.Edge.Volumes;

/// <content>Which layer holds what.</content>
internal sealed partial class Volume
{
    public void GetDepths(long offset, long length, int maxRuns, List<DepthRun> runs)
    {
        ThrowIfUnreadable();
        BlockRanges.GetDepths(_map, DepthsAt(long.MaxValue), SizeBytes, offset, length, maxRuns, runs);
    }

    /// <summary>As seen from a position: the layer that ends there or holds it is the newest.</summary>
    internal LayerDepths DepthsAt(long sequence)
    {
        var slots = new List<int>();
        AddSlots(slots, sequence);
        return new LayerDepths(slots);
    }

    private void AddSlots(List<int> slots, long sequence)
    {
        var layers = _published.Layers;
        for (var i = layers.Length - 1; i >= 0; i--)
        {
            if (layers[i].Record.After < sequence)
            {
                slots.Add(layers[i].File.Slot);
            }
        }

        if (_originParent is { } parent && Origin is { } origin && State.OwnBase != Format.OwnBase.Whole)
        {
            parent.AddSlots(slots, origin.Sequence.Value);
        }
    }
}
