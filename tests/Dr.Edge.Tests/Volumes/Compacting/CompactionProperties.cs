using CsCheck;
using Dr.Edge.Volumes.Compacting;

namespace Dr.Edge.Tests.Volumes.Compacting;

/// <summary>Laws of what may be merged, and of merging.</summary>
public sealed class CompactionProperties
{
    private static readonly DateTimeOffset Start = new(2026, 3, 1, 0, 0, 0, TimeSpan.Zero);

    private static readonly Gen<Case> GenCase = Gen.Select(
        Gen.Select(Gen.Int[0, 9], Gen.Long[1, CompactionPlan.MaxGroupBytes], Gen.Int[0, 9], Gen.Bool, (writes, bytes, free, log) => (writes, bytes, free, log)).Array[0, 20],
        Gen.Int[0, 60].Array[0, 6],
        Gen.Int[0, 25],
        Gen.Int[-1, 60],
        (parts, needed, window, journal) =>
        {
            var layers = new List<CompactionLayer>();
            long after = 0;
            foreach (var (part, i) in parts.Select((part, i) => (part, i)))
            {
                layers.Add(new CompactionLayer(after, after + part.writes, Start.AddMinutes(i), part.bytes, part.free > 0, part.log));
                after += part.writes;
            }

            return new Case(layers, needed.Select(n => (long)n).ToHashSet(), Start.AddMinutes(window), journal < 0 ? long.MaxValue : journal);
        });

    // A list of versions: ascending, apart, data of one block or zeros of some.
    private static readonly Gen<List<MergedEntry>> GenEntries = Gen.Select(Gen.Int[1, 6], Gen.Int[1, 9], Gen.Bool, (gap, count, zero) => (gap, count, zero)).Array[0, 12].Select(steps =>
    {
        var entries = new List<MergedEntry>();
        long block = -1;
        foreach (var (gap, count, zero) in steps)
        {
            block += gap;
            entries.Add(new MergedEntry(block, zero ? (uint)count : 1, zero ? 0 : 4096 + block, (uint)block, 0));
            block = entries[^1].End - 1;
        }

        return entries;
    });

    [Fact]
    public void Nothing_that_somebody_needs_and_nothing_of_the_fine_window_is_ever_in_a_group() =>
        GenCase.Sample(c =>
        {
            var end = 0;
            foreach (var (first, count) in CompactionPlan.Groups(c.Layers, c.Needed, c.Before, c.Journal))
            {
                first.ShouldBeGreaterThanOrEqualTo(end);
                end = first + count;
                var group = c.Layers.GetRange(first, count);
                group.ShouldAllBe(layer => layer.IsFree && layer.LastAt <= c.Before && layer.Last <= c.Journal);
                c.Needed.Where(p => group[0].After < p && p < group[^1].Last).ShouldBeEmpty();
                (count > 1 || group[0].IsLog).ShouldBeTrue();
                group.Sum(layer => layer.Bytes).ShouldBeLessThanOrEqualTo(CompactionPlan.MaxGroupBytes);
            }
        }, iter: 10_000);

    [Fact]
    public void Two_neighbours_that_may_go_together_do() =>
        GenCase.Sample(c =>
        {
            var groups = CompactionPlan.Groups(c.Layers, c.Needed, c.Before, c.Journal);
            for (var i = 0; i + 1 < c.Layers.Count; i++)
            {
                var pair = c.Layers.GetRange(i, 2);
                var may = pair.TrueForAll(layer => layer.IsFree && layer.LastAt <= c.Before && layer.Last <= c.Journal) && !c.Needed.Any(p => pair[0].After < p && p < pair[1].Last)
                    && !c.Needed.Contains(pair[1].After);
                if (may && pair.Sum(layer => layer.Bytes) <= CompactionPlan.MaxGroupBytes)
                {
                    // Unless the first of them fills up a group before it.
                    groups.Any(g => g.First <= i && i < g.First + g.Count).ShouldBeTrue();
                }
            }
        }, iter: 10_000);

    [Fact]
    public void A_byte_that_is_freed_costs_at_most_three_written() =>
        Gen.Select(Gen.Long[CompactionPlan.SmallBytes + 1, 1L << 40], Gen.Double[0, 1], Gen.Int[1, 300]).Sample((read, share, group) =>
        {
            var left = (long)(read * share);
            if (CompactionPlan.IsWorth(read, left, group, all: CompactionPlan.ManyLayers))
            {
                left.ShouldBeLessThanOrEqualTo(3 * (read - left) + 4);
            }
        }, iter: 10_000);

    [Fact]
    public void Merged_versions_are_the_newer_over_the_older() =>
        Gen.Select(GenEntries, GenEntries).Sample((older, newer) =>
        {
            newer = newer.ConvertAll(entry => entry with { Layer = 1 });
            var merged = MergedEntry.Over(older, newer);
            for (var i = 0; i + 1 < merged.Count; i++)
            {
                merged[i].End.ShouldBeLessThanOrEqualTo(merged[i + 1].FirstBlock);
            }

            for (long block = 0; block < 250; block++)
            {
                Version(merged, block).ShouldBe(Version(newer, block) ?? Version(older, block), $"block {block}");
            }
        }, iter: 10_000);

    private static (long, uint, int)? Version(List<MergedEntry> entries, long block)
    {
        foreach (var entry in entries)
        {
            if (entry.FirstBlock <= block && block < entry.End)
            {
                return (entry.FileOffset, entry.IsZero ? 0 : entry.Checksum, entry.Layer);
            }
        }

        return null;
    }

    private sealed record Case(List<CompactionLayer> Layers, HashSet<long> Needed, DateTimeOffset Before, long Journal);
}
