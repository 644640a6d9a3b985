using Dr.Simulator.Live.Faults;

namespace Dr.Simulator.Tests.Live;

public sealed class LiveScheduleTests
{
    private static readonly LiveFaultKind[] All = Enum.GetValues<LiveFaultKind>();

    [Fact]
    public void The_same_seed_draws_the_same_faults_and_another_seed_others()
    {
        LiveSchedule.Draw(7, All).Take(50).ShouldBe(LiveSchedule.Draw(7, [.. All.Reverse()]).Take(50));
        LiveSchedule.Draw(8, All).Take(50).ShouldNotBe(LiveSchedule.Draw(7, All).Take(50));
    }

    [Fact]
    public void Every_seed_keeps_the_rules_that_the_promises_need()
    {
        for (var seed = 0ul; seed < 10_000; seed++)
        {
            var faults = LiveSchedule.Draw(seed, All).Take(2 * All.Length).ToArray();
            faults.Select(f => f.Number).ShouldBe(Enumerable.Range(1, faults.Length));
            foreach (var deck in faults.Chunk(All.Length))
            {
                deck.Select(f => f.Kind).Order().ShouldBe(All);
            }

            foreach (var fault in faults)
            {
                // One place at a time, never the street, where the judge is.
                new[] { LivePlaces.Production, LivePlaces.Backup, LivePlaces.Third }.ShouldContain(fault.Part.Place);
                fault.Lasts.ShouldBeInRange(TimeSpan.Zero, TimeSpan.FromSeconds(40));
                fault.Rest.ShouldBeInRange(LiveSchedule.ShortestRest, LiveSchedule.LongestRest);
                fault.Draw.ShouldBeInRange(0, 1);
                fault.Name.ShouldStartWith(fault.Kind.ToString().ToLowerInvariant());
            }
        }
    }

    [Fact]
    public void Every_kind_comes_in_every_variety_sooner_or_later_and_only_the_kinds_that_were_asked_for()
    {
        var seen = Enumerable.Range(0, 200).SelectMany(seed => LiveSchedule.Draw((ulong)seed, All).Take(12)).Select(f => (f.Kind, f.Part)).ToHashSet();
        seen.Count.ShouldBe(25);
        LiveSchedule.Draw(1, [LiveFaultKind.Cut, LiveFaultKind.Cut]).Take(20).ShouldAllBe(f => f.Kind == LiveFaultKind.Cut);
        Should.Throw<ArgumentException>(() => LiveSchedule.Draw(1, []));
    }

    [Theory]
    [InlineData(30, 60, true)]
    [InlineData(30, 59, false)]
    public void A_fault_strikes_only_when_it_can_be_over_and_healed_before_the_end(int lasts, int left, bool fits)
    {
        var fault = new LiveFault(1, LiveFaultKind.Kill, new LivePart(LivePlaces.Backup, LiveThing.Machine), TimeSpan.FromSeconds(lasts), TimeSpan.Zero, 0);
        LiveSchedule.Fits(fault, TimeSpan.FromSeconds(left), TimeSpan.FromSeconds(30)).ShouldBe(fits);
    }
}
