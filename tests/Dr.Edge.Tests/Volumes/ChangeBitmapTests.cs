using CsCheck;
using Dr.Edge.Volumes;

namespace Dr.Edge.Tests.Volumes;

public sealed class ChangeBitmapTests
{
    private const int Blocks = 100_000;

    [Fact]
    public void It_finds_the_same_runs_as_a_set_that_is_looked_through_one_by_one() =>
        Gen.Select(Gen.Select(Gen.Int[0, Blocks - 1], Gen.OneOf(Gen.Int[1, 3], Gen.Int[60, 70], Gen.Int[30_000, 40_000])).Array[0, 6], Gen.Int[0, Blocks - 1]).Sample(
            (ranges, start) =>
            {
                var bitmap = new ChangeBitmap(Blocks);
                var oracle = new bool[Blocks];
                foreach (var (first, count) in ranges)
                {
                    var clipped = Math.Min(count, Blocks - first);
                    bitmap.Set(first, clipped);
                    oracle.AsSpan(first, clipped).Fill(true);
                }

                bitmap.Contains(start).ShouldBe(oracle[start]);
                foreach (var isSet in new[] { true, false })
                {
                    var expected = Array.IndexOf(oracle, !isSet, start);
                    bitmap.FindChange(start, Blocks, isSet).ShouldBe(expected < 0 ? Blocks : expected);
                }
            },
            iter: 3_000);

    [Fact]
    public void Blocks_beyond_the_end_are_not_in_it()
    {
        var bitmap = new ChangeBitmap(10);
        bitmap.Set(8, 2);
        bitmap.Contains(10).ShouldBeFalse();
        bitmap.FindChange(8, 1000, isSet: true).ShouldBe(10);
        bitmap.FindChange(10, 1000, isSet: false).ShouldBe(1000);
    }
}
