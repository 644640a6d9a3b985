using CsCheck;
using Dr.Edge.Replication.Holds;

namespace Dr.Edge.Tests.Replication.Holds;

/// <summary>What a primary keeps for a copy that is away.</summary>
public class HoldPlanProperties
{
    private static readonly Gen<HoldView> Views =
        Gen.Select(Gen.Int[0, 3], Gen.Bool, Gen.Bool, Gen.Long[0, 1L << 40], Gen.Long[0, 1L << 40], Gen.Long[1, 1L << 38], Gen.Bool, Gen.Bool)
            .Select((level, common, gap, bytes, older, budget, isShort, map) => new HoldView((HoldLevel)level, common, gap, bytes, bytes + older, budget, isShort, map));

    [Fact]
    public void A_log_over_its_budget_is_never_kept() =>
        Views.Sample(view => (view.JournalBytes <= view.BudgetBytes || HoldPlan.Decide(view) != HoldLevel.Journal).ShouldBeTrue(view.ToString()), iter: 10_000);

    [Fact]
    public void On_a_disk_that_runs_short_nothing_of_size_is_kept_for_a_copy_but_a_map() =>
        Views.Sample(view => (!view.IsShort || view.JournalBytes <= HoldPlan.NotWorthIt || HoldPlan.Decide(view) <= HoldLevel.Map).ShouldBeTrue(view.ToString()), iter: 10_000);

    [Fact]
    public void What_was_given_up_does_not_come_back_before_the_gap_is_passed() =>
        Views.Sample(view => (!view.HasOpenGap || HoldPlan.Decide(view) <= view.Level).ShouldBeTrue(view.ToString()), iter: 10_000);

    [Fact]
    public void Within_the_budget_and_with_room_on_the_disk_every_write_is_kept() =>
        Views.Sample(
            view => (view.HasOpenGap || view.IsShort || view.JournalBytes > view.BudgetBytes || HoldPlan.Decide(view) == HoldLevel.Journal).ShouldBeTrue(view.ToString()), iter: 10_000);

    [Fact]
    public void More_log_never_means_that_more_is_kept() =>
        Gen.Select(Views, Gen.Long[0, 1L << 38]).Sample(
            (view, more) => (HoldPlan.Decide(view with { JournalBytes = view.JournalBytes + more, PointBytes = view.PointBytes + more }) <= HoldPlan.Decide(view)).ShouldBeTrue($"{view} + {more}"), iter: 10_000);

    [Fact]
    public void Past_the_budget_the_last_common_point_is_kept_as_long_as_that_pays()
    {
        var view = new HoldView(HoldLevel.Journal, true, false, 300, 300, 100, false);
        HoldPlan.Decide(view).ShouldBe(HoldLevel.Point);
        HoldPlan.Decide(view with { HasCommonPoint = false }).ShouldBe(HoldLevel.Nothing);
        HoldPlan.Decide(view with { HasCommonPoint = false, HasMap = true }).ShouldBe(HoldLevel.Map, "a peer that is back may have let its point go; the map still says what it lacks");
        HoldPlan.Decide(view with { PointBytes = 500 }).ShouldBe(HoldLevel.Map);
        HoldPlan.AdvancesMap(view, 100).ShouldBeFalse();
        HoldPlan.AdvancesMap(view, 101).ShouldBeTrue("a budget's worth of log lies after the map");
        HoldPlan.AdvancesMap(view with { IsShort = true }, 1).ShouldBeTrue();
    }

    [Theory]
    [InlineData(1L << 42, 20L << 30)]
    [InlineData(10L << 30, 1L << 30)]
    public void Without_a_budget_of_its_own_a_copy_gets_20_GiB_and_at_most_a_tenth_of_the_file_system(long fileSystem, long budget) =>
        HoldPlan.DefaultBudget(fileSystem).ShouldBe(budget);
}
