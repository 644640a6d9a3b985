using Dr.Contracts.Mqtt;
using Dr.Edge.Host.Plan;

namespace Dr.Edge.Tests.Host.Plan;

public sealed class HealthTrackerTests
{
    private static readonly DateTimeOffset T0 = new(2026, 1, 1, 0, 0, 0, TimeSpan.Zero);

    [Fact]
    public void One_missed_check_degrades_and_the_third_fails()
    {
        var tracker = Running();
        tracker = tracker.Apply(CheckOutcome.Missed("slow"), 3, T0.AddSeconds(1));
        tracker.State.ShouldBe(HealthState.Degraded);
        tracker = tracker.Apply(CheckOutcome.Missed("slow"), 3, T0.AddSeconds(2));
        (tracker.State, tracker.Since).ShouldBe((HealthState.Degraded, T0.AddSeconds(1)));
        tracker = tracker.Apply(CheckOutcome.Missed("slow"), 3, T0.AddSeconds(3));
        (tracker.State, tracker.Since, tracker.Detail).ShouldBe((HealthState.Failed, T0.AddSeconds(3), "slow"));
    }

    [Fact]
    public void A_process_that_is_gone_fails_at_once() => Running().Apply(CheckOutcome.Gone("gone"), 3, T0).State.ShouldBe(HealthState.Failed);

    [Fact]
    public void A_passed_check_heals_and_forgets_the_misses()
    {
        var tracker = Running().Apply(CheckOutcome.Missed("slow"), 2, T0).Apply(CheckOutcome.Passed(), 2, T0);
        (tracker.State, tracker.Misses).ShouldBe((HealthState.Running, 0));
        tracker.Apply(CheckOutcome.Missed("slow"), 2, T0).State.ShouldBe(HealthState.Degraded);
    }

    [Fact]
    public void What_has_failed_does_not_become_degraded_by_failing_again()
    {
        var failed = Running().Apply(CheckOutcome.Gone("gone"), 3, T0);
        failed.Apply(CheckOutcome.Missed("slow"), 9, T0).State.ShouldBe(HealthState.Failed);
    }

    [Fact]
    public void A_component_that_starts_up_is_starting_until_it_passes_or_has_missed_too_often()
    {
        var starting = HealthTracker.Stopped(T0).Move(HealthState.Starting, null, T0);
        starting.Apply(CheckOutcome.Missed("not yet"), 3, T0).State.ShouldBe(HealthState.Starting);
    }

    [Fact]
    public void A_system_is_as_healthy_as_its_least_healthy_component()
    {
        HealthTracker.OfSystem([HealthState.Running, HealthState.Degraded, HealthState.Running]).ShouldBe(HealthState.Degraded);
        HealthTracker.OfSystem([HealthState.Stopped, HealthState.Failed]).ShouldBe(HealthState.Failed);
        HealthTracker.OfSystem([HealthState.Running]).ShouldBe(HealthState.Running);
        HealthTracker.OfSystem([]).ShouldBe(HealthState.Unknown);
    }

    private static HealthTracker Running() => HealthTracker.Stopped(T0).Apply(CheckOutcome.Passed(), 3, T0);
}
