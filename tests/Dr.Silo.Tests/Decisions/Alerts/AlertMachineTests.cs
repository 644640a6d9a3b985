using Dr.Contracts.Grains;
using Dr.Contracts.Ids;
using Dr.Silo.Decisions.Alerts;
using Dr.Silo.Decisions.Failover;

namespace Dr.Silo.Tests.Decisions.Alerts;

public sealed class AlertMachineTests
{
    private static readonly DateTimeOffset Start = new(2026, 1, 1, 0, 0, 0, TimeSpan.Zero);

    /// <summary>The design's table: value, minutes it has held, and what that is.</summary>
    [Theory]
    [InlineData(AlertKind.RecoveryPointAge, 0.51, 0.9, AlertLevel.None)]
    [InlineData(AlertKind.RecoveryPointAge, 0.51, 1, AlertLevel.Warning)]
    [InlineData(AlertKind.RecoveryPointAge, 0.81, 1, AlertLevel.Critical)]
    [InlineData(AlertKind.SystemUnprotected, 1, 9.9, AlertLevel.None)]
    [InlineData(AlertKind.SystemUnprotected, 1, 10, AlertLevel.Critical)]
    [InlineData(AlertKind.PeerNotReady, 1, 15, AlertLevel.Warning)]
    [InlineData(AlertKind.PeerNotReady, 1, 60, AlertLevel.Critical)]
    [InlineData(AlertKind.DrillOverdue, 25.9, 0, AlertLevel.None)]
    [InlineData(AlertKind.DrillOverdue, 26.1, 0, AlertLevel.Warning)]
    [InlineData(AlertKind.DrillOverdue, 72.1, 0, AlertLevel.Critical)]
    [InlineData(AlertKind.LargeDrillOverdue, 191, 0, AlertLevel.None)]
    [InlineData(AlertKind.LargeDrillOverdue, 193, 0, AlertLevel.Warning)]
    [InlineData(AlertKind.LargeDrillOverdue, 361, 0, AlertLevel.Critical)]
    [InlineData(AlertKind.DrillNotCleaned, 1, 15, AlertLevel.Warning)]
    [InlineData(AlertKind.DrillNotCleaned, 1, 60, AlertLevel.Critical)]
    [InlineData(AlertKind.HistoryShort, 0.16, 1, AlertLevel.Warning)]
    [InlineData(AlertKind.HistoryShort, 0.26, 1, AlertLevel.Critical)]
    [InlineData(AlertKind.StepSlow, 1.4, 5, AlertLevel.None)]
    [InlineData(AlertKind.StepSlow, 1.6, 0, AlertLevel.Warning)]
    [InlineData(AlertKind.StepSlow, 3.1, 0, AlertLevel.Critical)]
    [InlineData(AlertKind.PersonAwaited, 1, 2, AlertLevel.Warning)]
    [InlineData(AlertKind.PersonAwaited, 1, 10, AlertLevel.Critical)]
    [InlineData(AlertKind.TrialUncommitted, 1, 30, AlertLevel.Warning)]
    [InlineData(AlertKind.TrialUncommitted, 2, 0, AlertLevel.Critical)]
    [InlineData(AlertKind.DependencyLost, 1, 1, AlertLevel.Warning)]
    [InlineData(AlertKind.DependencyLost, 1, 5, AlertLevel.Critical)]
    [InlineData(AlertKind.AutomationOff, 1, 60, AlertLevel.Warning)]
    [InlineData(AlertKind.AutomationOff, 1, 1440, AlertLevel.Critical)]
    [InlineData(AlertKind.StaleWriter, 1, 0, AlertLevel.Critical)]
    [InlineData(AlertKind.DiskFilling, 1, 0, AlertLevel.Warning)]
    [InlineData(AlertKind.DiskFilling, 2, 0, AlertLevel.Critical)]
    [InlineData(AlertKind.ClockSkew, 0.6, 1, AlertLevel.Warning)]
    [InlineData(AlertKind.ClockSkew, 5.1, 1, AlertLevel.Critical)]
    [InlineData(AlertKind.DetectorBlind, 1, 5, AlertLevel.Warning)]
    [InlineData(AlertKind.DetectorBlind, 1, 30, AlertLevel.Critical)]
    public void The_table_is_as_designed(AlertKind kind, double value, double minutes, AlertLevel expected)
    {
        var sample = new AlertSample { Kind = kind, Subject = "system:dilas", Value = value, Text = "test" };
        var board = AlertMachine.Step(AlertBoard.Empty, [sample], Start).Board;
        board = AlertMachine.Step(board, [sample], Start.AddMinutes(minutes)).Board;
        (board.Alerts.Values.SingleOrDefault()?.Level ?? AlertLevel.None).ShouldBe(expected);

        // Nor sooner: a limit that is too low would cry wolf, and nobody would notice it here otherwise.
        if (expected != AlertLevel.None && minutes > 0)
        {
            board = AlertMachine.Step(AlertBoard.Empty, [sample], Start).Board;
            board = AlertMachine.Step(board, [sample], Start.AddMinutes(minutes - 0.01)).Board;
            ((int)(board.Alerts.Values.SingleOrDefault()?.Level ?? AlertLevel.None)).ShouldBeLessThan((int)expected, "before its time");
        }
    }

    /// <summary>What is exceeded by a measure is not exceeded by the measure itself.</summary>
    [Theory]
    [InlineData(AlertKind.RecoveryPointAge, 0.5, 0.8)]
    [InlineData(AlertKind.HistoryShort, 0.15, 0.25)]
    [InlineData(AlertKind.StepSlow, 1.5, 3)]
    [InlineData(AlertKind.DrillOverdue, 26, 72)]
    [InlineData(AlertKind.LargeDrillOverdue, 192, 360)]
    [InlineData(AlertKind.ClockSkew, 0.5, 5)]
    public void A_measure_at_its_limit_is_within_it(AlertKind kind, double warning, double critical)
    {
        AlertLevel After(double value)
        {
            var sample = new AlertSample { Kind = kind, Subject = "system:dilas", Value = value, Text = "test" };
            var board = AlertMachine.Step(AlertBoard.Empty, [sample], Start).Board;
            return AlertMachine.Step(board, [sample], Start.AddMinutes(5)).Board.Alerts.Values.SingleOrDefault()?.Level ?? AlertLevel.None;
        }

        (After(warning), After(warning + 0.001), After(critical), After(critical + 0.001)).ShouldBe((AlertLevel.None, AlertLevel.Warning, AlertLevel.Warning, AlertLevel.Critical));
    }

    [Fact]
    public void What_has_held_since_before_a_restart_counts_from_then() =>
        AlertMachine.Step(AlertBoard.Empty, [new AlertSample { Kind = AlertKind.SystemUnprotected, Subject = "system:dilas", Value = 1, Text = "test", Since = Start.AddMinutes(-11) }], Start)
            .Notices.Single().Kind.ShouldBe(AlertNoticeKind.Raised);

    [Fact]
    public void What_could_not_be_looked_at_stays_as_it_was()
    {
        var board = Raised(AlertKind.StaleWriter);
        AlertMachine.Step(board, [], Start.AddHours(2), subject => subject == "system:dilas").Board.Alerts.ShouldBe(board.Alerts);
        var calm = AlertMachine.Step(board, [], Start.AddHours(1)).Board;
        AlertMachine.Step(calm, [], Start.AddHours(2)).Notices.Single().Kind.ShouldBe(AlertNoticeKind.Cleared);
    }

    [Fact]
    public void Acknowledged_is_quiet_until_its_end_or_until_it_gets_worse()
    {
        var sample = new AlertSample { Kind = AlertKind.PersonAwaited, Subject = "system:dilas", Value = 1, Text = "test" };
        var board = AlertMachine.Step(AlertBoard.Empty, [sample], Start).Board;
        board = AlertMachine.Step(board, [sample], Start.AddMinutes(3)).Board;
        board = AlertMachine.Acknowledge(board, "PersonAwaited/system:dilas", "ann", "on it", Start.AddHours(1), Start.AddMinutes(4));
        var quiet = AlertMachine.Step(board, [sample], Start.AddMinutes(5));
        quiet.Notices.ShouldBeEmpty();

        var worse = AlertMachine.Step(quiet.Board, [sample], Start.AddMinutes(11));
        worse.Notices.Single().Kind.ShouldBe(AlertNoticeKind.Escalated);
        worse.Board.Alerts.Values.Single().Acknowledged.ShouldBeNull();

        board = AlertMachine.Acknowledge(worse.Board, "PersonAwaited/system:dilas", "ann", "still on it", Start.AddMinutes(30), Start.AddMinutes(12));
        board = AlertMachine.Step(board, [sample], Start.AddMinutes(29)).Board;
        AlertMachine.Step(board, [sample], Start.AddMinutes(30)).Notices.Single().Kind.ShouldBe(AlertNoticeKind.Reminded);
    }

    [Fact]
    public void Silenced_is_followed_and_not_told_and_told_when_the_silence_ends()
    {
        var sample = new AlertSample { Kind = AlertKind.StaleWriter, Subject = "system:dilas", Value = 1, Text = "test" };
        var silent = AlertBoard.Empty with { Silences = [new AlertSilence("s1", AlertKind.StaleWriter, null, "ann", Start, Start.AddHours(1), "maintenance")] };
        var step = AlertMachine.Step(silent, [sample], Start);
        step.Notices.ShouldBeEmpty();
        step.Board.Alerts.Values.Single().Level.ShouldBe(AlertLevel.Critical);

        var after = AlertMachine.Step(step.Board, [sample], Start.AddHours(1));
        after.Notices.Single().Kind.ShouldBe(AlertNoticeKind.Raised);
        after.Board.Silences.ShouldBeEmpty();
    }

    [Fact]
    public void A_site_that_is_gone_is_one_alert_and_not_one_per_system()
    {
        var systems = Enumerable.Range(1, 5).Select(i => System($"s{i}")).ToList();
        var facts = new AlertFacts
        {
            At = Start,
            Systems = systems,
            Sites = [new SiteView { Id = new SiteId("backup"), MassSuspicion = true, Since = Start.AddMinutes(-20), Members = [new DeviceId("a")], Silent = [new DeviceId("a")] }],
        };
        var step = AlertMachine.Step(AlertBoard.Empty, AlertSampler.Of(facts), Start);

        step.Notices.Single().Alert.Key.ShouldBe("DetectorBlind/site:backup");
        step.Notices.Single().Alert.GroupLevel.ShouldBe(AlertLevel.Critical, "the systems behind it are unprotected for long");
        step.Board.Alerts.Values.Count(a => a.Cause == "DetectorBlind/site:backup").ShouldBeGreaterThanOrEqualTo(10);
    }

    [Fact]
    public void A_lost_broker_explains_what_else_looks_wrong_and_a_lost_silo_does_not()
    {
        AlertFacts Facts(string lost) => new() { At = Start, Systems = [System("s1")], Lost = new Dictionary<string, string> { [lost] = "away" } };
        AlertSampler.Of(Facts("broker")).Single(s => s.Kind == AlertKind.SystemUnprotected).Causes.ShouldContain("DependencyLost/broker");
        var samples = AlertSampler.Of(Facts("silo:10.0.0.2:11111"));
        samples.ShouldContain(s => s.Kind == AlertKind.DependencyLost && s.Subject == "silo:10.0.0.2:11111");
        samples.ShouldAllBe(s => !s.Causes.Contains("DependencyLost/silo:10.0.0.2:11111"));
    }

    [Fact]
    public void A_step_over_its_usual_time_or_its_phases_budget_is_told()
    {
        var step = new StepRecord { Step = "PromoteCopy", Target = "back-1", Intent = "", State = StepState.Intended, StartedAt = Start.AddSeconds(-8) };
        var run = new RunView
        {
            Id = new RunId("r"), System = new SystemId("s1"), Kind = RunKind.Failover, State = RunState.Running, From = new SiteId("production"), To = new SiteId("backup"), Epoch = new Epoch(1), Actor = "a", Reason = "r",
            StartedAt = Start.AddSeconds(-30), Steps = [step],
        };
        var system = System("s1") with { Phase = "Promoting", PhaseSince = Start.AddSeconds(-8), LiveRun = run, Conditions = [] };
        var facts = new AlertFacts { At = Start, Systems = [system], StepSeconds = new Dictionary<string, double> { ["Failover/PromoteCopy"] = 4 } };

        AlertSampler.Of(facts).Single(s => s.Kind == AlertKind.StepSlow).Value.ShouldBe(2);
        AlertSampler.Of(facts with { StepSeconds = new Dictionary<string, double>() }).ShouldNotContain(s => s.Kind == AlertKind.StepSlow);
        AlertSampler.Of(facts with { At = Start.AddSeconds(20) }).Single(s => s.Kind == AlertKind.StepSlow).Value.ShouldBeGreaterThan(3, "20 s is the phase's budget");
    }

    [Fact]
    public void Every_alert_of_the_failover_machine_has_a_kind_here() =>
        Enum.GetValues<Dr.Silo.Decisions.Failover.AlertKey>().Select(AlertRules.KindOf).ShouldAllBe(kind => AlertRules.All.Any(rule => rule.Kind == kind));

    private static AlertBoard Raised(AlertKind kind) =>
        AlertMachine.Step(AlertBoard.Empty, [new AlertSample { Kind = kind, Subject = "system:dilas", Value = 1, Text = "test" }], Start).Board;

    private static SystemView System(string id) => new()
    {
        Id = new SystemId(id), Name = id, Class = TakeoverClass.T, Phase = "Protected", PhaseSince = Start, Epoch = new Epoch(1), Site = new SiteId("production"), Home = new SiteId("production"), Peer = new SiteId("backup"),
        DataAgeSeconds = 400, LossLimitSeconds = 300, Volume = id,
        Conditions =
        [
            new Condition { Kind = "DataProtected", Holds = false, Reason = "silent", Since = Start.AddMinutes(-20) },
            new Condition { Kind = "PeerReady", Holds = false, Reason = "silent", Since = Start.AddMinutes(-20) },
        ],
    };
}
