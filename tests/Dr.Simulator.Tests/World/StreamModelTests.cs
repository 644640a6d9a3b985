using Dr.Contracts.Ids;
using Dr.Contracts.Policy;
using Dr.Simulator.Replay;
using Dr.Simulator.World;

namespace Dr.Simulator.Tests.World;

public sealed class StreamModelTests
{
    private static readonly DayProfile Profile = new(new TimeOnly(9, 0), new TimeOnly(20, 0));

    [Fact]
    public void A_days_hours_add_up_to_the_day_and_most_of_it_falls_into_opening_hours()
    {
        Enumerable.Range(0, 24).Sum(Profile.Share).ShouldBe(1, 1e-9);
        Enumerable.Range(9, 11).Sum(Profile.Share).ShouldBeGreaterThan(0.9);
        Profile.PeakFactor.ShouldBeInRange(2, 4);
    }

    [Fact]
    public void Bits_leave_in_their_order_and_none_is_lost()
    {
        var queue = new BitQueue(10);
        queue.Arrive(0, 100);
        queue.Arrive(1, 50);
        queue.Leave(100).ShouldBe(100);
        queue.AgeAt(2).ShouldBe(1, "what came in second 1 is the oldest");
        queue.Leave(1000).ShouldBe(50);
        queue.Waiting.ShouldBe(0);
        queue.AgeAt(3).ShouldBe(0);
    }

    [Fact]
    public void A_class_that_is_too_small_falls_behind_and_one_that_is_large_enough_does_not()
    {
        VolumeModel[] volumes = [new(new SystemId("a"), 20), new(new SystemId("b"), 1)];
        var ample = new StreamModel(new BandwidthClass("internet", 100, true), volumes, Profile).Ages(12, new Chance(1));
        var small = new StreamModel(new BandwidthClass("internet", 2, true), volumes, Profile).Ages(12, new Chance(1));
        ample.Values.ShouldAllBe(age => age < TimeSpan.FromSeconds(3));
        small[volumes[0].System].ShouldBeGreaterThan(TimeSpan.FromSeconds(60));
        small[volumes[1].System].ShouldBeLessThan(TimeSpan.FromSeconds(10), "sharing is fair: the small one does not wait for the large one");
    }

    [Fact]
    public void The_papers_classes_carry_the_papers_stream_and_fit_their_lines()
    {
        var use = BandwidthUse.Of(FaultLog.Load(null, null).Policies, OpeningCalendar.Default, 1);
        use.Classes.Select(c => c.Mbps).Order().ShouldBe([5, 10, 15]);
        use.Lines.Single(l => l.Network == "internet").ClassesMbps.ShouldBe(20);
        use.Lines.Single(l => l.Network == "mpls-vpn").ClassesMbps.ShouldBe(10);
        foreach (var c in use.Classes)
        {
            c.PeakHourPercent.ShouldBeLessThan(60, c.Class);
            (c.MbpsByHour.Sum() * 3600 / 8e3).ShouldBe(c.GigabytesPerDay, 1e-6, "the hours add up to the day");
        }
    }
}
