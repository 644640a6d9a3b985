using Dr.Simulator.Replay;
using Dr.Simulator.Replay.Compare;

namespace Dr.Simulator.Tests.Replay;

/// <summary>The same years without the adaptive period, the witnesses, the stream.</summary>
public sealed class ComparisonTests
{
    private static readonly IReadOnlyList<Comparison> All = Comparisons.Run(FaultLog.Load(null, null), 1, 3, null, CancellationToken.None);

    [Fact]
    public void A_shorter_fixed_period_finds_stops_sooner_and_costs_more_messages_and_false_alarms()
    {
        var ways = Way(Comparisons.Heartbeats);
        ways.Count.ShouldBe(1 + Comparisons.FixedPeriods.Count);
        for (var i = 2; i < ways.Count; i++)
        {
            ways[i].SilenceDetection!.Median.ShouldBeGreaterThan(ways[i - 1].SilenceDetection!.Median, ways[i].Id);
            ways[i].MessagesPerYear!.Value.ShouldBeLessThan(ways[i - 1].MessagesPerYear!.Value);
            ways[i].FalseAlarmsPerYear!.Value.ShouldBeLessThanOrEqualTo(ways[i - 1].FalseAlarmsPerYear!.Value);
        }
    }

    [Fact]
    public void The_adaptive_period_finds_stops_sooner_than_a_fixed_one_of_as_many_messages()
    {
        var ways = Way(Comparisons.Heartbeats);
        var product = ways[0];
        var asMany = ways.Skip(1).Where(w => w.MessagesPerYear <= product.MessagesPerYear).MinBy(w => w.SilenceDetection!.P95)!;
        product.SilenceDetection!.P95.ShouldBeLessThan(asMany.SilenceDetection!.P95);
        product.FalseAlarmsPerYear!.Value.ShouldBeLessThan(ways.Single(w => w.Id == "fixed-2s").FalseAlarmsPerYear!.Value);
    }

    [Fact]
    public void Without_witnesses_faults_that_only_they_can_see_last_until_people_repair_them()
    {
        var ways = Way(Comparisons.Witnesses);
        ways[1].MinutesAfter.Median.ShouldBeGreaterThan(ways[0].MinutesAfter.Median * 1.5);
        ways[1].Unhelped.ShouldBeGreaterThan(ways[0].Unhelped);
    }

    [Fact]
    public void Without_the_stream_more_data_is_lost_and_the_schedule_alone_breaks_the_objective()
    {
        var ways = Way(Comparisons.Copies);
        ways[1].Rpo!.P95.ShouldBeGreaterThan(ways[0].Rpo!.P95);
        ways[2].Rpo!.Max.ShouldBeGreaterThan(300, "table 2 schedules most systems once a day");
        ways[0].Rpo!.Max.ShouldBeLessThan(300);
    }

    private static IReadOnlyList<ComparedWay> Way(string id) => All.Single(c => c.Id == id).Ways;
}
