using CsCheck;
using Dr.Silo.Decisions.Repair;

namespace Dr.Silo.Tests.Decisions;

public sealed class LocalRepairTests
{
    private static readonly DateTimeOffset Start = DateTimeOffset.UnixEpoch;
    private static readonly LocalMeans Everything = new(StandbyHost: true, Mirror: true, Points: true);

    [Fact]
    public void A_crashed_process_is_restarted_and_checked()
    {
        var state = LocalRepair.Begin(LocalFault.Process, Everything, Start);
        state.Pending.ShouldBe(RepairStep.Restart);
        state = LocalRepair.Answered(state, RepairStep.Restart, true, null, Start);
        state.Pending.ShouldBe(RepairStep.Check);
        LocalRepair.Answered(state, RepairStep.Check, true, null, Start).Repaired.ShouldBeTrue();
    }

    [Fact]
    public void Damaged_data_is_restored_when_a_restart_does_not_help()
    {
        var state = LocalRepair.Begin(LocalFault.Data, Everything, Start);
        state = LocalRepair.Answered(state, RepairStep.Restart, true, null, Start);
        LocalRepair.Answered(state, RepairStep.Check, false, "wrong", Start).Pending.ShouldBe(RepairStep.RestoreFromPoint);
    }

    [Fact]
    public void A_dead_host_without_a_standby_is_nothing_for_the_site() =>
        LocalRepair.Begin(LocalFault.Host, Everything with { StandbyHost = false }, Start).Exhausted.ShouldBeTrue();

    [Fact]
    public void It_always_ends_repaired_or_exhausted_and_tries_nothing_twice() =>
        Gen.Select(Gen.Enum<LocalFault>(), Gen.Bool, Gen.Bool, Gen.Int[0, 2].Array[30]).Sample(
            (fault, standby, mirror, answers) =>
            {
                var now = Start;
                var state = LocalRepair.Begin(fault, new LocalMeans(standby, mirror, true), now);
                foreach (var answer in answers)
                {
                    if (state.Pending is not { } step)
                    {
                        break;
                    }

                    now = answer == 2 ? state.Deadline!.Value : now;
                    state = answer == 2 ? LocalRepair.TimePassed(state, now) : LocalRepair.Answered(state, step, answer == 0, "no", now);
                }

                (state.Repaired || state.Exhausted).ShouldBeTrue();
                state.Tried.ShouldBeUnique();
            },
            iter: 10_000);
}
