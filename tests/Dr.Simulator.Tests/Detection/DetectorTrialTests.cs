using Dr.Contracts.Mqtt;
using Dr.Silo.Decisions.Detection;
using Dr.Simulator.Detection;

namespace Dr.Simulator.Tests.Detection;

/// <summary>The formulas against Monte Carlo over the silo's own detector, and the classes against their promises. Seeded: same figures every time.</summary>
public sealed class DetectorTrialTests
{
    /// <summary>Lines bad enough for mistakes to be counted: period, α, loss, mean delay, deviation.</summary>
    [Theory]
    [InlineData(1000, 150, 0.02, 100, 60)]
    [InlineData(1000, 400, 0.05, 200, 150)]
    [InlineData(1000, 1100, 0.10, 150, 100)]
    [InlineData(1000, 2100, 0.30, 150, 100)]
    [InlineData(2000, 300, 0.01, 300, 250)]
    [InlineData(500, 700, 0.15, 100, 90)]
    public void Mistakes_their_length_and_accuracy_are_what_the_formulas_say(int periodMs, int alphaMs, double loss, double delayMs, double deviationMs)
    {
        var plan = new TrialPlan
        {
            Period = TimeSpan.FromMilliseconds(periodMs), Alpha = TimeSpan.FromMilliseconds(alphaMs), Link = new LinkQuality(loss, delayMs, deviationMs), Jitter = 0, Beats = 150_000, Kills = 1,
        };
        var (measured, predicted) = (DetectorTrial.Run(plan, seed: 7), PredictedQuality.Of(plan.Period, plan.Alpha, plan.Link));
        measured.Mistakes.ShouldBeGreaterThan(300, "too few to compare");
        Within(measured.Followed.TotalSeconds / measured.Mistakes, predicted.MistakeRecurrence.TotalSeconds, 0.12);
        Within(measured.MistakenFor.TotalSeconds / measured.Mistakes, predicted.MistakeDuration.TotalSeconds, 0.12);
        Within(1 - measured.Accuracy, 1 - predicted.Accuracy, 0.15);
    }

    [Theory]
    [InlineData(1000, 4000)]
    [InlineData(10_000, 30_000)]
    public void A_stop_is_detected_half_a_period_after_the_expected_arrival_on_average_and_never_later_than_the_bound(int periodMs, int alphaMs)
    {
        var plan = new TrialPlan
        {
            Period = TimeSpan.FromMilliseconds(periodMs), Alpha = TimeSpan.FromMilliseconds(alphaMs), Link = new LinkQuality(0, 150, 100), Jitter = 0, Tick = TimeSpan.Zero, Beats = 100, Kills = 4_000,
        };
        var (measured, predicted) = (DetectorTrial.Run(plan, seed: 3), PredictedQuality.Of(plan.Period, plan.Alpha, plan.Link));
        Within(measured.DetectionSeconds.Average(), predicted.DetectionMean.TotalSeconds, 0.02);
        // The mean delay is an estimate over the window: the bound moves with it, by a few standard errors at the most.
        measured.Percentile(1).ShouldBeLessThan(predicted.DetectionBound.TotalSeconds + 0.1);
    }

    [Fact]
    public void Every_class_keeps_its_deadline_on_a_line_that_loses_one_beat_in_a_hundred()
    {
        var rows = DetectorReport.Run(new LinkQuality(0.01, 150, 100), seed: 1, beats: 20_000, kills: 500);
        foreach (var row in rows)
        {
            // Deadline + mean delay + the observer's tick; sending early (jitter) only moves the stop closer to the promise.
            row.MaxSeconds.ShouldBeLessThan(row.DeadlineSeconds + 0.15 + 1.2, $"{row.Class} {row.Hours}");
            row.P50Seconds.ShouldBeGreaterThan(row.DeadlineSeconds - row.PeriodSeconds - 0.5, $"{row.Class} {row.Hours}");
        }

        rows.Single(r => r is { Class: "host", Hours: HourClass.Busy }).P95Seconds.ShouldBeLessThan(6);
        rows.Where(r => r.Class == "host").ShouldAllBe(r => r.Mistakes == 0);
    }

    /// <summary>φ promises that the true chance of a false alarm is not above the one shown.</summary>
    [Theory]
    [InlineData(0.05, 60, 50)]
    [InlineData(0.2, 150, 100)]
    public void The_chance_that_phi_shows_is_never_below_the_true_one(double loss, double delayMs, double deviationMs)
    {
        var seen = PhiTrial.Run(loss, delayMs, deviationMs, TimeSpan.FromSeconds(1), beats: 60_000, seed: 5);
        foreach (var (phi, share) in seen)
        {
            share.ShouldBeLessThanOrEqualTo(Math.Pow(10, -phi) * 1.25, $"silences with φ above {phi}");
        }

        seen.Count.ShouldBeGreaterThan(2, "nothing was compared");
    }

    private static void Within(double measured, double predicted, double share) =>
        Math.Abs(measured - predicted).ShouldBeLessThan(share * predicted, $"measured {measured}, by formula {predicted}");
}
