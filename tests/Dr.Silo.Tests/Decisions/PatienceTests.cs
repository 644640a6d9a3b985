using Dr.Contracts.Mqtt;
using Dr.Contracts.Mqtt.Client;
using Dr.Silo.Decisions.Detection;
using Dr.Silo.Decisions.Failover;

namespace Dr.Silo.Tests.Decisions;

/// <summary>Inequalities between what devices do and how long the control plane waits for it.</summary>
public sealed class PatienceTests
{
    /// <summary>A connection attempt, the epoch stored before it, the birth and the first beat.</summary>
    private static readonly TimeSpan FromAttemptToBeat = TimeSpan.FromSeconds(3);

    [Fact]
    public void The_devices_of_a_site_are_back_before_the_copy_is_taken_for_lost() =>
        Budgets.CatchUp.ShouldBeGreaterThan(ReconnectDelay.LongestOfFew + FromAttemptToBeat);

    [Fact]
    public void The_devices_of_a_site_are_back_before_a_control_plane_that_has_started_judges_them()
    {
        foreach (var beats in (BeatClass[])[BeatClass.Host, BeatClass.CriticalSystem, BeatClass.Appliance])
        {
            (beats.Deadline(HourClass.Idle) * 2).ShouldBeGreaterThan(ReconnectDelay.LongestOfFew + FromAttemptToBeat, beats.Name);
        }
    }

    [Fact]
    public void However_often_it_failed_nobody_waits_longer_than_its_kind_may()
    {
        for (var failures = 0; failures < 40; failures++)
        {
            ReconnectDelay.After(failures, 1, few: true).ShouldBeLessThanOrEqualTo(ReconnectDelay.LongestOfFew);
            ReconnectDelay.After(failures, 1).ShouldBeLessThanOrEqualTo(TimeSpan.FromSeconds(30));
        }
    }
}
