using Dr.Contracts.Grains;
using Dr.Contracts.Ids;
using Dr.Contracts.Mqtt;
using Dr.Silo.Decisions.Alerts;

namespace Dr.Silo.Tests.Decisions.Alerts;

/// <summary>Every fact becomes the sample that its rule is about, and what is well becomes none.</summary>
public sealed class AlertSamplerTests
{
    private static readonly DateTimeOffset Now = new(2026, 1, 1, 0, 0, 0, TimeSpan.Zero);
    private static readonly SiteId Home = new("production");
    private static readonly SiteId Peer = new("backup");

    [Fact]
    public void What_is_well_gives_no_sample() =>
        AlertSampler.Of(Facts(Well()) with { Devices = [Appliance(SpaceLevel.Ample)] }).Where(s => s.Kind != AlertKind.RecoveryPointAge).ShouldBeEmpty();

    [Theory]
    [InlineData("Diverged", AlertKind.CopiesDiverged)]
    [InlineData("Held", AlertKind.AutomationOff)]
    [InlineData("NeedsOperator", AlertKind.PersonAwaited)]
    [InlineData("DrillCleaning", AlertKind.DrillNotCleaned)]
    [InlineData("OnTrial", AlertKind.TrialUncommitted)]
    public void A_phase_that_waits_for_somebody_is_followed_from_when_it_began(string phase, AlertKind kind)
    {
        var sample = AlertSampler.Of(Facts(Well() with { Phase = phase })).Single(s => s.Kind != AlertKind.RecoveryPointAge);
        (sample.Kind, sample.Subject, sample.Value, sample.Since).ShouldBe((kind, "system:s1", 1.0, Now.AddHours(-1)));
    }

    [Fact]
    public void Certificates_that_should_have_been_renewed_are_one_alert_for_each_role_as_bad_as_the_worst()
    {
        CertificateEnd Of(string name, string role, double used) => new(name, role, Now.AddDays(-90 * used), Now.AddDays(90 * (1 - used)));
        var samples = AlertSampler.Of(Facts(Well()) with { Certificates = [Of("b-1", "broker", 0.7), .. Enumerable.Range(1, 8).Select(k => Of($"k-{k}", "kiosk", 0.9 + (k / 50.0)))] }).Where(s => s.Kind == AlertKind.CertificateEnding).ToDictionary(s => s.Subject);
        samples.Keys.ShouldBe(["role:broker", "role:kiosk"], ignoreOrder: true);
        samples["role:broker"].Value.ShouldBe(0.7, 1e-9);
        samples["role:kiosk"].Value.ShouldBe(1.06, 1e-9);
        samples["role:kiosk"].Text.ShouldStartWith("8 certificates of role kiosk should have been renewed: k-8 (ended 2025-12-26 14:24 UTC), ");
        samples["role:kiosk"].Text.ShouldEndWith(" and others.");
    }

    [Fact]
    public void A_trial_is_worse_in_its_last_ten_minutes()
    {
        double Value(double minutesLeft) => AlertSampler.Of(Facts(Well() with { Phase = "OnTrial", Until = Now.AddMinutes(minutesLeft) })).Single(s => s.Kind == AlertKind.TrialUncommitted).Value;
        (Value(10.1), Value(10)).ShouldBe((1.0, 2.0));
    }

    [Fact]
    public void A_run_that_waits_for_approval_waits_for_a_person()
    {
        var run = new RunView
        {
            Id = new RunId("r"), System = new SystemId("s1"), Kind = RunKind.Failover, State = RunState.WaitingForApproval, From = Home, To = Peer, Epoch = new Epoch(1), Actor = "detector", Reason = "silent", StartedAt = Now, Steps = [],
        };
        AlertSampler.Of(Facts(Well() with { Phase = "Deciding", LiveRun = run })).Single(s => s.Kind == AlertKind.PersonAwaited).Since.ShouldBe(Now.AddHours(-1));
        AlertSampler.Of(Facts(Well() with { Phase = "Deciding", LiveRun = run with { State = RunState.Running } })).ShouldNotContain(s => s.Kind == AlertKind.PersonAwaited);
    }

    [Fact]
    public void The_age_of_a_copy_is_a_part_of_its_objective() =>
        AlertSampler.Of(Facts(Well() with { DataAgeSeconds = 150 })).Single(s => s.Kind == AlertKind.RecoveryPointAge).Value.ShouldBe(0.5);

    [Theory]
    [InlineData("DataProtected", AlertKind.SystemUnprotected)]
    [InlineData("PeerReady", AlertKind.PeerNotReady)]
    public void A_condition_is_told_only_where_it_is_known_not_to_hold(string condition, AlertKind kind)
    {
        SystemView With(bool? holds) => Well() with { Conditions = [new Condition { Kind = condition, Holds = holds, Reason = "because", Since = Now.AddMinutes(-7) }] };
        AlertSampler.Of(Facts(With(false))).Single(s => s.Kind == kind).Since.ShouldBe(Now.AddMinutes(-7));
        AlertSampler.Of(Facts(With(true))).ShouldNotContain(s => s.Kind == kind);
        AlertSampler.Of(Facts(With(null))).ShouldNotContain(s => s.Kind == kind, "not known yet is not wrong");
    }

    [Theory]
    [InlineData(SpaceLevel.Warning, 1)]
    [InlineData(SpaceLevel.Critical, 2)]
    [InlineData(SpaceLevel.Full, 2)]
    public void The_fullest_volume_speaks_for_the_disk(SpaceLevel level, double value)
    {
        var appliance = Appliance(SpaceLevel.Ample);
        var sample = AlertSampler.Of(Facts() with { Devices = [appliance with { Volumes = [.. appliance.Volumes, .. Appliance(level).Volumes] }] }).ShouldHaveSingleItem();
        (sample.Kind, sample.Subject, sample.Value).ShouldBe((AlertKind.DiskFilling, "device:prod-1", value));
    }

    [Fact]
    public void Clocks_drills_history_and_writers_of_before_are_told_with_their_measure()
    {
        var system = new SystemId("s1");
        var facts = Facts(Well() with { DataAgeSeconds = null }) with
        {
            SkewSeconds = new Dictionary<DeviceId, double> { [new DeviceId("prod-1")] = 0.7 },
            Drilled = new Dictionary<SystemId, DateTimeOffset> { [system] = Now.AddHours(-30) },
            HistoryKept = new Dictionary<SystemId, double> { [system] = 0.75 },
            StaleWriters = new Dictionary<SystemId, (DateTimeOffset, string)> { [system] = (Now.AddMinutes(-1), "it writes") },
            Lost = new Dictionary<string, string> { ["database"] = "away" },
        };
        AlertSampler.Of(facts).Select(s => (s.Kind, s.Subject, Math.Round(s.Value, 6))).ShouldBe(
            [
                (AlertKind.DependencyLost, "database", 1), (AlertKind.HistoryShort, "system:s1", 0.25), (AlertKind.StaleWriter, "system:s1", 1), (AlertKind.DrillOverdue, "system:s1", 30), (AlertKind.ClockSkew, "device:prod-1", 0.7),
            ],
            ignoreOrder: true);

        // A large system is drilled weekly, and a writer that was seen long ago is no news.
        var large = facts with { Devices = [Appliance(SpaceLevel.Ample, AlertFacts.LargeBytes)], StaleWriters = new Dictionary<SystemId, (DateTimeOffset, string)> { [system] = (Now - AlertFacts.StaleWriterSeen, "it wrote") } };
        AlertSampler.Of(large).Select(s => s.Kind).ShouldContain(AlertKind.LargeDrillOverdue);
        AlertSampler.Of(large).Select(s => s.Kind).ShouldNotContain(AlertKind.StaleWriter);
    }

    private static AlertFacts Facts(params SystemView[] systems) => new() { At = Now, Systems = systems };

    private static SystemView Well() => new()
    {
        Id = new SystemId("s1"), Name = "s1", Class = TakeoverClass.T, Phase = "Protected", PhaseSince = Now.AddHours(-1), Epoch = new Epoch(1), Site = Home, Home = Home, Peer = Peer, Volume = "s1", DataAgeSeconds = 3, LossLimitSeconds = 300,
        Conditions = [],
    };

    private static DeviceView Appliance(SpaceLevel level, long bytes = 1) => new()
    {
        Id = new DeviceId("prod-1"), Site = Home, Roles = ["appliance"], Presence = Presence.Alive, Since = Now, Class = "appliance",
        Volumes = [new VolumeStatus { Volume = default, Name = "s1", SizeBytes = bytes, Role = VolumeRole.Primary, Epoch = new Epoch(1), Generation = default, Appended = default, Durable = default, Writable = true, Space = level }],
    };
}
