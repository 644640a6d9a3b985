using CsCheck;
using Dr.Contracts.Mqtt;
using Dr.Edge.Link;

namespace Dr.Edge.Tests.Link;

public sealed class BeatScheduleTests
{
    private static readonly TimeSpan Short = TimeSpan.FromSeconds(5);

    [Fact]
    public void A_longer_promise_is_not_used_before_it_was_acknowledged()
    {
        var plan = BeatSchedule.Next(TimeSpan.FromSeconds(60), acknowledged: Short, Short, HourClass.Idle, random: 0);
        plan.Promise.ShouldBe(TimeSpan.FromSeconds(10));
        plan.Wait.ShouldBe(Short);
        BeatSchedule.Next(TimeSpan.FromSeconds(60), plan.Promise, Short, HourClass.Idle, random: 0).ShouldBe(new BeatPlan(TimeSpan.FromSeconds(20), TimeSpan.FromSeconds(10), HourClass.Idle));
    }

    [Fact]
    public void A_shorter_period_takes_effect_at_once()
    {
        var plan = BeatSchedule.Next(Short, acknowledged: TimeSpan.FromSeconds(60), Short, HourClass.Busy, random: 0);
        plan.ShouldBe(new BeatPlan(Short, Short, HourClass.Busy));
    }

    [Fact]
    public void A_strained_machine_beats_slower_but_not_slower_than_the_next_class()
    {
        var config = new DeviceConfig { Version = 1, BusyPeriodMs = 5_000, IdlePeriodMs = 8_000 };
        BeatSchedule.Target(config, HourClass.Busy, new LoadReport { Cpu = 0.5 }).ShouldBe(TimeSpan.FromSeconds(5));
        BeatSchedule.Target(config, HourClass.Busy, new LoadReport { Cpu = 1 }).ShouldBe(TimeSpan.FromSeconds(8));
        BeatSchedule.Target(config, HourClass.Idle, new LoadReport { Cpu = 1 }).ShouldBe(TimeSpan.FromSeconds(16));
    }

    [Theory]
    [InlineData(0.85, 0, 0, 1)]
    [InlineData(0.925, 0, 0, 1.5)]
    [InlineData(0.5, 1500, 0, 1.5)]
    [InlineData(0.5, 0, 1250, 1.25)]
    [InlineData(0.5, 9000, 9000, 2)]
    public void Processors_queue_and_response_time_stretch_the_period_as_far_as_the_worst_of_them(double cpu, int queue, double responseMs, double expected) =>
        BeatSchedule.Stretch(new LoadLimits(), new LoadReport { Cpu = cpu, QueueLength = queue, ResponseMs = responseMs }).ShouldBe(expected, 0.001);

    [Fact]
    public void The_period_stays_within_its_class_whatever_the_load() =>
        Gen.Select(Gen.Int[100, 60_000], Gen.Int[100, 200_000], Gen.Double[0, 1], Gen.Int[0, 100_000], Gen.Double[0, 100_000], Gen.Bool).Sample(
            (busyMs, idleMs, cpu, queue, response, isBusy) =>
            {
                var config = new DeviceConfig { Version = 1, BusyPeriodMs = busyMs, IdlePeriodMs = idleMs };
                var hours = isBusy ? HourClass.Busy : HourClass.Idle;
                var (calm, strained) = (BeatSchedule.Target(config, hours, new LoadReport()), BeatSchedule.Target(config, hours, new LoadReport { Cpu = cpu, QueueLength = queue, ResponseMs = response }));
                var idle = BeatSchedule.Target(config, HourClass.Idle, new LoadReport());
                return strained >= calm && strained <= calm * 2 && (!isBusy || strained <= idle);
            },
            iter: 10_000);

    /// <summary>Beats and acknowledgements get lost at random; the control plane expects each next beat by the promise of the last one it has.</summary>
    [Fact]
    public void Whatever_is_lost_no_beat_is_sent_later_than_any_promise_the_control_plane_may_hold() =>
        Gen.Select(Gen.Int[100, 120_000], Gen.Bool, Gen.Bool, Gen.Double[0, 1]).Array[1, 60].Sample(
            steps =>
            {
                TimeSpan? acknowledged = null;
                TimeSpan? held = null;
                var waitedSinceHeld = TimeSpan.Zero;
                foreach (var (targetMs, beatArrives, ackArrives, random) in steps)
                {
                    var target = TimeSpan.FromMilliseconds(targetMs);
                    var plan = BeatSchedule.Next(target, acknowledged, Short, HourClass.Busy, random);
                    if (plan.Wait > plan.Promise || (acknowledged is { } last && plan.Promise > last * 2))
                    {
                        return false;
                    }

                    if (beatArrives)
                    {
                        (held, waitedSinceHeld) = (plan.Promise, TimeSpan.Zero);
                        acknowledged = ackArrives ? plan.Promise : acknowledged;
                    }

                    // One wait may not exceed what the control plane holds, unless that is a promise that has since been shortened and not heard of: then it is shorter still.
                    waitedSinceHeld = plan.Wait;
                    if (held is { } promise && acknowledged is not null && ackArrives && beatArrives && waitedSinceHeld > promise)
                    {
                        return false;
                    }
                }

                return true;
            },
            iter: 10_000);
}
