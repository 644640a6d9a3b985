using System.Runtime.InteropServices;

namespace Dr.Edge.Volumes.Compacting;

/// <summary>The last version of a block, or of a run of zeros, among several layers.</summary>
/// <param name="FirstBlock">First block.</param>
/// <param name="Count">1 for data, any number for zeros.</param>
/// <param name="FileOffset">Where the data lies in the layer's file; 0 = zeros.</param>
/// <param name="Checksum">CRC-32C of the data.</param>
/// <param name="Layer">Index of the layer in its group.</param>
[StructLayout(LayoutKind.Auto)]
internal readonly record struct MergedEntry(long FirstBlock, uint Count, long FileOffset, uint Checksum, int Layer)
{
    public bool IsZero => FileOffset == 0;

    public long End => FirstBlock + Count;

    /// <summary>What <paramref name="newer"/> says, and beside it what it does not touch of <paramref name="older"/>. Both ascending and without overlaps, and so is the result. Pure.</summary>
    public static List<MergedEntry> Over(List<MergedEntry> older, IEnumerable<MergedEntry> newer)
    {
        var merged = new List<MergedEntry>(older.Count);
        var next = 0;
        var rest = Take(older, ref next);
        foreach (var entry in newer)
        {
            while (rest is { } before && before.FirstBlock < entry.FirstBlock)
            {
                if (before.End <= entry.FirstBlock)
                {
                    merged.Add(before);
                    rest = Take(older, ref next);
                    continue;
                }

                merged.Add(before with { Count = (uint)(entry.FirstBlock - before.FirstBlock) });
                rest = before.From(entry.FirstBlock);
            }

            while (rest is { } under && under.FirstBlock < entry.End)
            {
                rest = under.End <= entry.End ? Take(older, ref next) : under.From(entry.End);
            }

            merged.Add(entry);
        }

        for (; rest is { } left; rest = Take(older, ref next))
        {
            merged.Add(left);
        }

        return merged;
    }

    private static MergedEntry? Take(List<MergedEntry> entries, ref int next) => next < entries.Count ? entries[next++] : null;

    // Only zeros are longer than a block.
    private MergedEntry From(long block) => this with { FirstBlock = block, Count = (uint)(End - block) };
}
