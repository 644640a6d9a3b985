using System.Runtime.InteropServices;

namespace Dr.Edge.Volumes.Compacting;

/// <summary>
/// Decides which sealed layers may become one that has only the last versions. Pure.
/// <list type="bullet">
/// <item>Nothing that was written inside the fine window, and nothing behind a position whose journal somebody follows.</item>
/// <item>No position that somebody needs (a point, a view, a clone) lies strictly inside a group; its ends may be such positions.</item>
/// <item>A group is rewritten only when that frees at least a quarter of what is read: for each byte it frees, compaction writes at most three, and clients' bytes are freed once. Small groups
/// (<see cref="SmallBytes"/>) and, in a volume with more than <see cref="ManyLayers"/> layers, groups of <see cref="ManyLayersGroup"/> are merged for the number of files.</item>
/// </list>
/// </summary>
internal static class CompactionPlan
{
    /// <summary>Most that several layers together may have: a merge holds its entries in memory (32 bytes for each 4 KiB), and a longer one would be lost with more.</summary>
    public const long MaxGroupBytes = 1L << 30;

    /// <summary>A single layer larger than this is left as it is.</summary>
    public const long MaxLayerBytes = 8L << 30;

    /// <summary>Layers that are this small together cost more as files than as bytes.</summary>
    public const long SmallBytes = 1L << 20;

    /// <summary>Twice the points a volume can hold: more boundaries than that nobody needs.</summary>
    public const int ManyLayers = 512;

    /// <summary>Each rewriting for the number of files makes one of at least so many, so that a byte is rewritten at most a few times for it.</summary>
    public const int ManyLayersGroup = 8;

    /// <summary>One part in so many must come free.</summary>
    public const int WorthShare = 4;

    /// <param name="layers">All layers, oldest first.</param>
    /// <param name="needed">Positions somebody needs.</param>
    /// <param name="before">Beginning of the fine window.</param>
    /// <param name="journalFloor">Lowest position from which somebody follows the journal; <see cref="long.MaxValue"/> = nobody.</param>
    /// <returns>Groups as index and count, oldest first; none overlaps another. A group of one layer is a log with versions to drop.</returns>
    public static IReadOnlyList<(int First, int Count)> Groups(IReadOnlyList<CompactionLayer> layers, IReadOnlySet<long> needed, DateTimeOffset before, long journalFloor)
    {
        var groups = new List<(int, int)>();
        var sorted = needed.Order().ToArray();
        for (var i = 0; i < layers.Count;)
        {
            if (!MayMerge(layers[i], sorted, before, journalFloor))
            {
                i++;
                continue;
            }

            var count = 1;
            var bytes = layers[i].Bytes;
            while (i + count < layers.Count && !needed.Contains(layers[i + count].After) && MayMerge(layers[i + count], sorted, before, journalFloor) && bytes + layers[i + count].Bytes <= MaxGroupBytes)
            {
                bytes += layers[i + count].Bytes;
                count++;
            }

            if (count > 1 || layers[i].IsLog)
            {
                groups.Add((i, count));
            }

            i += count;
        }

        return groups;
    }

    /// <param name="readBytes">What the group's layers have.</param>
    /// <param name="leftBytes">What the one layer would have.</param>
    /// <param name="group">Layers in the group.</param>
    /// <param name="all">Layers in the volume.</param>
    /// <param name="isShort">The disk is: only what frees space is worth anything.</param>
    public static bool IsWorth(long readBytes, long leftBytes, int group, int all, bool isShort = false) =>
        readBytes - leftBytes >= Math.Max(readBytes / WorthShare, 1)
        || (!isShort && ((group > 1 && readBytes <= SmallBytes) || (all > ManyLayers && group >= ManyLayersGroup)));

    private static bool MayMerge(CompactionLayer layer, long[] needed, DateTimeOffset before, long journalFloor)
    {
        if (!layer.IsFree || layer.LastAt > before || layer.Last > journalFloor || layer.Bytes > MaxLayerBytes)
        {
            return false;
        }

        // The first needed position behind the layer's beginning must not be before its end.
        var index = Array.BinarySearch(needed, layer.After + 1);
        index = index < 0 ? ~index : index;
        return index == needed.Length || needed[index] >= layer.Last;
    }
}

/// <summary>A layer as compaction sees it.</summary>
/// <param name="After">The position it begins after.</param>
/// <param name="Last">Its last position.</param>
/// <param name="Bytes">What its batches take.</param>
/// <param name="IsFree">Sealed, whole, and nobody but the volume has its file open.</param>
/// <param name="IsLog">It may hold versions that only positions inside it need.</param>
[StructLayout(LayoutKind.Auto)]
internal readonly record struct CompactionLayer(long After, long Last, DateTimeOffset LastAt, long Bytes, bool IsFree, bool IsLog);
