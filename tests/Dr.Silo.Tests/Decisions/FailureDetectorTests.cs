using CsCheck;
using Dr.Contracts.Mqtt;
using Dr.Silo.Decisions.Detection;

namespace Dr.Silo.Tests.Decisions;

public sealed class FailureDetectorTests
{
    private static readonly DateTimeOffset Start = new(2012, 2, 1, 9, 0, 0, TimeSpan.Zero);
    private static readonly LocalHealth Healthy = LocalHealth.StartedAt(Start - TimeSpan.FromDays(1), TimeSpan.FromSeconds(1)) with { LastTick = Start };

    [Theory]
    [InlineData(0.02)]
    [InlineData(0.1)]
    [InlineData(0.3)]
    public void The_false_alarms_of_a_living_sender_are_not_more_than_its_score_says(double loss)
    {
        // A sender every second with that loss and exponential lateness; α tolerates one, two and four lost beats.
        var random = new Random(7);
        foreach (var alpha in new[] { 1.5, 2.5, 4.0 })
        {
            DetectorState? state = null;
            var (alarms, waits, predicted) = (0, 0, 0.0);
            var lastDeadline = DateTimeOffset.MaxValue;
            for (var n = 1; n <= 120_000; n++)
            {
                var sent = Start + TimeSpan.FromSeconds(n);
                if (random.NextDouble() < loss)
                {
                    continue;
                }

                var arrived = sent + TimeSpan.FromMilliseconds(20 - (15 * Math.Log(1 - random.NextDouble())));
                if (state is not null && n > 2_000)
                {
                    waits++;
                    alarms += arrived > lastDeadline ? 1 : 0;
                    predicted += Math.Pow(10, -FailureDetector.Phi(state, lastDeadline));
                }

                state = FailureDetector.Heard(state, Beat(n, sent, 1000), arrived);
                lastDeadline = FailureDetector.Deadline(state, TimeSpan.FromSeconds(alpha));
            }

            var (measured, said) = ((double)alarms / waits, predicted / waits);
            measured.ShouldBeLessThanOrEqualTo((said * 1.15) + 0.0002, $"loss {loss}, α {alpha}: the score promises more than it keeps");
            measured.ShouldBeGreaterThan((said / 4) - 0.0005, $"loss {loss}, α {alpha}: the score is far too shy");
        }
    }

    [Fact]
    public void Who_comes_late_to_a_look_judges_nobody_by_what_he_has_not_read()
    {
        // The host beats every second; the watcher writes a full disk's worth of commands meanwhile, and the beats wait behind that.
        var alpha = TimeSpan.FromSeconds(4);
        var heard = FailureDetector.Heard(null, Beat(1, Start, 1000), Start);
        var look = new LookClock(Start);
        look.Next(FailureDetector.Deadline(heard, alpha), Start);
        look.Due.ShouldBe(Start.AddSeconds(5));

        var late = Start.AddSeconds(9);
        look.Look(late);
        FailureDetector.Judge(heard, alpha, Healthy, late).Liveness.ShouldBe(Liveness.Overdue, "the silo as a whole was well");
        FailureDetector.Judge(heard, alpha, look.Of(Healthy), late).Liveness.ShouldBe(Liveness.NotJudged);
        FailureDetector.Judge(heard, alpha, look.Of(Healthy), late.AddSeconds(6)).Liveness.ShouldBe(Liveness.Overdue, "it had a whole promise to be heard again");

        // In time, and sooner when a beat promises a shorter silence.
        look.Next(late.AddSeconds(30), late);
        (look.By(late.AddSeconds(40)), look.By(late.AddSeconds(10)), look.Due).ShouldBe((false, true, late.AddSeconds(10)));
        look.Look(late.AddSeconds(10.5));
        look.Of(Healthy).TrustedSince.ShouldBe(late, "half a second is what timers are");
    }

    [Fact]
    public void Silence_is_noticed_within_promise_and_alpha_of_the_last_sending() =>
        Gen.Select(Gen.Int[200, 60_000], Gen.Double[0.5, 60], Gen.Double[0, 400].Array[1, 60]).Sample(
            (promiseMs, alphaSeconds, delays) =>
            {
                DetectorState? state = null;
                var sent = Start;
                for (var n = 0; n < delays.Length; n++)
                {
                    sent = Start + TimeSpan.FromMilliseconds((double)promiseMs * n);
                    state = FailureDetector.Heard(state, Beat(n + 1, sent, promiseMs), sent + TimeSpan.FromMilliseconds(delays[n]));
                }

                var alpha = TimeSpan.FromSeconds(alphaSeconds);
                var bound = sent + TimeSpan.FromMilliseconds(promiseMs) + TimeSpan.FromMilliseconds(delays.Max()) + alpha;
                FailureDetector.Deadline(state!, alpha).ShouldBeLessThanOrEqualTo(bound + TimeSpan.FromMilliseconds(1));
                FailureDetector.Judge(state!, alpha, Healthy, bound + TimeSpan.FromMilliseconds(2)).Liveness.ShouldBe(Liveness.Overdue);
            },
            iter: 10_000);

    [Fact]
    public void Going_idle_and_coming_back_is_no_event()
    {
        // Two seconds while open, two minutes when closed, and back: nobody is suspected, and after the change back a death is noticed as fast as before.
        DetectorState? state = null;
        var (now, sequence) = (Start, 0);
        foreach (var (promise, hours, count) in new[] { (2000, HourClass.Busy, 50), (120_000, HourClass.Idle, 20), (2000, HourClass.Busy, 50) })
        {
            for (var i = 0; i < count; i++)
            {
                if (state is not null)
                {
                    FailureDetector.Judge(state, BeatClass.CriticalSystem.Alpha(state.HourClass), Healthy, now).Liveness.ShouldBe(Liveness.Alive);
                }

                state = FailureDetector.Heard(state, Beat(++sequence, now, promise, hours), now + TimeSpan.FromMilliseconds(20));
                now += TimeSpan.FromMilliseconds(promise);
            }
        }

        var deadline = FailureDetector.Deadline(state!, BeatClass.CriticalSystem.Alpha(HourClass.Busy));
        (deadline - state!.ArrivedAt).ShouldBeLessThan(BeatClass.CriticalSystem.BusyDeadline + TimeSpan.FromMilliseconds(50));
    }

    [Fact]
    public void An_observer_that_stood_still_judges_nobody_until_all_could_be_heard_again()
    {
        var state = FailureDetector.Heard(null, Beat(1, Start, 1000), Start);
        var alpha = TimeSpan.FromSeconds(4);
        var local = LocalHealth.StartedAt(Start, TimeSpan.FromSeconds(1));
        var woken = local.Tick(Start + TimeSpan.FromSeconds(60));

        FailureDetector.Judge(state, alpha, woken, Start + TimeSpan.FromSeconds(60)).Liveness.ShouldBe(Liveness.NotJudged);
        FailureDetector.Judge(state, alpha, woken, Start + TimeSpan.FromSeconds(65)).Liveness.ShouldBe(Liveness.Overdue);
        FailureDetector.Judge(state, alpha, local.Tick(Start + TimeSpan.FromSeconds(1)), Start + TimeSpan.FromSeconds(6)).Liveness.ShouldBe(Liveness.Overdue);
    }

    [Fact]
    public void A_late_or_repeated_beat_changes_nothing_and_a_new_boot_begins_anew()
    {
        var state = FailureDetector.Heard(null, Beat(5, Start, 1000), Start);
        FailureDetector.Heard(state, Beat(5, Start, 1000), Start + TimeSpan.FromSeconds(9)).ShouldBeSameAs(state);
        FailureDetector.Heard(state, Beat(4, Start, 1000), Start + TimeSpan.FromSeconds(9)).ShouldBeSameAs(state);
        FailureDetector.Heard(state, Beat(1, Start, 1000) with { BootId = "other" }, Start + TimeSpan.FromSeconds(1)).Sequence.ShouldBe(1);
    }

    [Fact]
    public void A_clock_that_was_set_does_not_postpone_suspicion()
    {
        DetectorState? state = null;
        for (var n = 1; n <= 40; n++)
        {
            var sent = Start + TimeSpan.FromSeconds(n);
            var wrong = n == 40 ? TimeSpan.FromHours(5) : TimeSpan.Zero;
            state = FailureDetector.Heard(state, Beat(n, sent + wrong, 1000), sent);
        }

        FailureDetector.Deadline(state!, TimeSpan.FromSeconds(4)).ShouldBeLessThan(Start + TimeSpan.FromSeconds(47));
    }

    private static Beat Beat(long sequence, DateTimeOffset sent, int nextDueMs, HourClass hours = HourClass.Busy) =>
        new() { Sequence = sequence, BootId = "boot", DeviceEpoch = 1, NextDueMs = nextDueMs, HourClass = hours, SentAt = sent };
}
