using CsCheck;
using Dr.Edge.Volumes.Exports;

namespace Dr.Edge.Tests.Volumes.Exports;

public sealed class ListBudgetTests
{
    [Fact]
    public void Everything_is_listed_while_there_is_room() => ListBudget.Share([255, 0, 7], 1000).ShouldBe([255, 0, 7]);

    [Fact]
    public void Fifty_full_volumes_share_what_is_left_evenly()
    {
        var shares = ListBudget.Share([.. Enumerable.Repeat(255, 50)], ListBudget.MaxEntries);
        shares.ShouldAllBe(share => share == 19);
    }

    [Fact]
    public void What_one_volume_does_not_need_goes_to_the_others() => ListBudget.Share([255, 3, 255], 103).ShouldBe([48, 3, 49]);

    [Fact]
    public void Shares_never_exceed_the_budget_or_the_need_and_waste_nothing() =>
        Gen.Select(Gen.Int[0, 255].Array[0, 80], Gen.Int[0, 3000]).Sample(
            (counts, budget) =>
            {
                var shares = ListBudget.Share(counts, budget);
                var room = Math.Max(budget - counts.Length, 0);
                shares.Zip(counts).ShouldAllBe(pair => pair.First >= 0 && pair.First <= pair.Second);
                shares.Sum().ShouldBe(Math.Min(room, counts.Sum()));
            },
            iter: 10_000);
}
