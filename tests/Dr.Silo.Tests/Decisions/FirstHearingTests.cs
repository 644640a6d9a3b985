using CsCheck;
using Dr.Contracts.Mqtt;
using Dr.Silo.Decisions.Detection;

namespace Dr.Silo.Tests.Decisions;

public sealed class FirstHearingTests
{
    private static readonly DateTimeOffset Began = new(2026, 1, 6, 10, 0, 0, TimeSpan.Zero);

    [Theory]
    [InlineData("host", 3_600, 3_600, null, 5)]
    [InlineData("host", 10, 10, null, 5)]
    [InlineData("host", 9, 9, null, 10)]
    [InlineData("host", 0, 0, null, 10)]
    [InlineData("host", 0, -30, null, 40)]
    [InlineData("host", 3_600, -2, null, 7)]
    [InlineData("host", 3_600, 3_600, 10, 14)]
    [InlineData("host", 3_600, 3_600, 1, 5)]
    [InlineData("appliance", 3_600, 3_600, null, 45)]
    [InlineData("appliance", 3_600, 3_600, 2, 45)]
    [InlineData("appliance", 60, 60, null, 90)]
    public void Whoever_has_moved_gives_one_deadline_and_a_silo_that_has_begun_gives_two(string name, int startedBefore, int trustedBefore, int? periodSeconds, int limit)
    {
        TimeSpan? period = periodSeconds is { } seconds ? TimeSpan.FromSeconds(seconds) : null;
        FirstHearing.LimitAt(BeatClass.Find(name)!, period, Began, Began.AddSeconds(-startedBefore), Began.AddSeconds(-trustedBefore)).ShouldBe(Began.AddSeconds(limit));
    }

    /// <summary>Whatever its period: the partition has moved 3 s after the watcher began, the first beat after that comes within a period and half a second late, and it is not called silent before.</summary>
    [Fact]
    public void A_device_that_lives_is_heard_before_its_silence_means_anything() =>
        Gen.Select(Gen.Int[0, BeatClass.All.Count - 1], Gen.Double[0.3, 300], Gen.Int[0, 7_200], Gen.Bool).Sample(
            (which, periodSeconds, startedBefore, configured) =>
            {
                var of = BeatClass.All[which];
                var period = configured ? TimeSpan.FromSeconds(periodSeconds) : of.Period(HourClass.Idle);
                var heard = Began + TimeSpan.FromSeconds(3) + period + TimeSpan.FromMilliseconds(500);
                FirstHearing.LimitAt(of, configured ? period : null, Began, Began.AddSeconds(-startedBefore), Began.AddSeconds(-startedBefore)).ShouldBeGreaterThan(heard);
            },
            iter: 10_000);
}
