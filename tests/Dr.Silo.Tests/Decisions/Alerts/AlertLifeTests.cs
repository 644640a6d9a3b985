using Dr.Contracts.Grains;
using Dr.Contracts.Ids;
using Dr.Contracts.Mqtt;
using Dr.Silo.Decisions.Alerts;

namespace Dr.Silo.Tests.Decisions.Alerts;

/// <summary>Each alert's whole life: it rises at its limit and after its time, holds while it hovers, and goes when it has been calm for long enough; and what each sample is made of.</summary>
public sealed class AlertLifeTests
{
    private const double Never = double.PositiveInfinity;
    private static readonly DateTimeOffset Start = new(2026, 1, 1, 0, 0, 0, TimeSpan.Zero);
    private static readonly SystemId S1 = new("s1");

    /// <summary>Kind, warning above and after minutes, critical above and after minutes, seconds of calm.</summary>
    public static TheoryData<AlertKind, double, double, double, double, double> Table => new()
    {
        { AlertKind.DependencyLost, 0.5, 1, 0.5, 5, 30 },
        { AlertKind.DetectorBlind, 0.5, 5, 0.5, 30, 30 },
        { AlertKind.StaleWriter, Never, 0, 0.5, 0, 1800 },
        { AlertKind.CopiesDiverged, Never, 0, 0.5, 0, 30 },
        { AlertKind.PersonAwaited, 0.5, 2, 0.5, 10, 30 },
        { AlertKind.StepSlow, 1.5, 0, 3, 0, 30 },
        { AlertKind.TrialUncommitted, 0.5, 30, 1.5, 0, 30 },
        { AlertKind.PeerNotReady, 0.5, 15, 0.5, 60, 30 },
        { AlertKind.SystemUnprotected, Never, 0, 0.5, 10, 30 },
        { AlertKind.RecoveryPointAge, 0.5, 1, 0.8, 1, 30 },
        { AlertKind.HistoryShort, 0.15, 1, 0.25, 1, 30 },
        { AlertKind.DrillNotCleaned, 0.5, 15, 0.5, 60, 30 },
        { AlertKind.DrillOverdue, 26, 0, 72, 0, 30 },
        { AlertKind.LargeDrillOverdue, 192, 0, 360, 0, 30 },
        { AlertKind.AutomationOff, 0.5, 60, 0.5, 1440, 30 },
        { AlertKind.DiskFilling, 0.5, 0, 1.5, 0, 30 },
        { AlertKind.ClockSkew, 0.5, 1, 5, 1, 30 },
        { AlertKind.CertificateEnding, 0.8, 0, 0.95, 0, 30 },
    };

    [Fact]
    public void Every_kind_is_in_the_table() => Table.Select(row => row.Data.Item1).ShouldBe(Enum.GetValues<AlertKind>());

    [Theory]
    [MemberData(nameof(Table))]
    public void It_rises_at_its_limit_and_after_its_time(AlertKind kind, double warning, double warningMinutes, double critical, double criticalMinutes, double calm)
    {
        calm.ShouldBePositive();
        RisesAt(kind, critical, criticalMinutes, AlertLevel.Critical);
        if (warning < critical)
        {
            RisesAt(kind, warning, warningMinutes, AlertLevel.Warning);
        }
        else if (warning == critical)
        {
            var life = new Life(kind, warning * 1.001);
            life.At(warningMinutes - 0.01, AlertLevel.None);
            life.At(warningMinutes, AlertLevel.Warning);
            life.At(criticalMinutes - 0.01, AlertLevel.Warning);
            life.At(criticalMinutes, AlertLevel.Critical);
        }
    }

    [Theory]
    [MemberData(nameof(Table))]
    public void It_holds_while_it_hovers_and_goes_after_its_calm(AlertKind kind, double warning, double warningMinutes, double critical, double criticalMinutes, double calm)
    {
        var life = new Life(kind, critical * 1.001);
        var minutes = Math.Max(criticalMinutes, warning < Never ? warningMinutes : 0);
        life.At(minutes, AlertLevel.Critical);
        life.Value = critical * 0.91;
        life.At(minutes += 60, AlertLevel.Critical);
        life.At(minutes += 60, AlertLevel.Critical);

        var (below, next) = warning < critical * 0.89 ? (critical * 0.89, AlertLevel.Warning) : (0, AlertLevel.None);
        life.Value = below;
        life.At(minutes += 1, AlertLevel.Critical);
        life.At(minutes + ((calm - 1) / 60), AlertLevel.Critical);
        life.Value = critical * 1.001;
        life.At(minutes += 60, AlertLevel.Critical);
        life.Value = below;
        life.At(minutes += 1, AlertLevel.Critical);
        life.At(minutes + ((calm - 1) / 60), AlertLevel.Critical, "calm counts anew after it was worse again");
        life.At(minutes += calm / 60, next);
        life.Notices[^1].ShouldBe(next == AlertLevel.None ? AlertNoticeKind.Cleared : AlertNoticeKind.Eased);
        if (next == AlertLevel.Warning)
        {
            life.Value = warning * 0.91;
            life.At(minutes += 60, AlertLevel.Warning);
            life.Value = warning * 0.89;
            life.At(minutes += 1, AlertLevel.Warning);
            life.At(minutes + ((calm - 1) / 60), AlertLevel.Warning);
            life.At(minutes += calm / 60, AlertLevel.None);
            life.Notices[^1].ShouldBe(AlertNoticeKind.Cleared);
        }
    }

    [Fact]
    public void A_site_full_of_silences_counts_from_its_first_and_a_deaf_observer_explains_it()
    {
        var site = new SiteView { Id = new SiteId("backup"), MassSuspicion = true, Since = Start.AddMinutes(-3), Members = [new DeviceId("a"), new DeviceId("b")], Silent = [new DeviceId("a")] };
        var facts = Facts() with { Sites = [site], BoundNotMet = new Dictionary<DeviceId, string> { [new DeviceId("k")] = "late" }, Lost = new Dictionary<string, string> { ["broker"] = "away", ["silo:x"] = "away" } };
        var blind = AlertSampler.Of(facts).Where(s => s.Kind == AlertKind.DetectorBlind).ToDictionary(s => s.Subject);
        blind.Keys.ShouldBe(["site:backup", "device:k"], ignoreOrder: true);
        blind["site:backup"].Since.ShouldBe(Start.AddMinutes(-3));
        blind["site:backup"].Text.ShouldStartWith("1 of 2 devices of backup");
        blind.Values.ShouldAllBe(s => s.Value == 1 && s.Causes.SequenceEqual(new[] { "DependencyLost/broker" }));
        AlertSampler.Of(facts with { Sites = [site with { MassSuspicion = false }] }).ShouldNotContain(s => s.Subject == "site:backup");
    }

    [Fact]
    public void What_explains_a_system_is_named_and_what_does_not_is_not()
    {
        var facts = Facts(System() with { Conditions = [Fails("DataProtected"), Fails("PeerReady")], DataAgeSeconds = 400, LossLimitSeconds = 300 }) with
        {
            Lost = new Dictionary<string, string> { ["database"] = "away" }, HistoryKept = new Dictionary<SystemId, double> { [S1] = 0.5 }, CapacityShort = new Dictionary<SystemId, string> { [S1] = "no room" },
            Drilled = new Dictionary<SystemId, DateTimeOffset> { [S1] = Start.AddDays(-2) },
        };
        var samples = AlertSampler.Of(facts).Where(s => s.Subject == "system:s1").ToDictionary(s => s.Kind);
        string[] outside = ["DependencyLost/database", "DetectorBlind/site:production", "DetectorBlind/site:backup"];
        string[] own = [.. new[] { "StaleWriter", "CopiesDiverged", "PersonAwaited", "StepSlow", "TrialUncommitted", "PeerNotReady", "SystemUnprotected" }.Select(k => $"{k}/system:s1")];
        foreach (var kind in (AlertKind[])[AlertKind.RecoveryPointAge, AlertKind.SystemUnprotected, AlertKind.PeerNotReady])
        {
            samples[kind].Causes.ShouldBe([.. outside, .. own], kind.ToString());
        }

        samples[AlertKind.PeerNotReady].Text.ShouldContain("because");
        samples[AlertKind.HistoryShort].Causes.ShouldBe(own);
        samples[AlertKind.DrillOverdue].Causes.ShouldBeEmpty();

        // Where the other site is ready, or not known not to be, it may still have no room.
        var full = AlertSampler.Of(facts with { Systems = [System()] }).Single(s => s.Kind == AlertKind.PeerNotReady);
        (full.Text, full.Value, full.Since).ShouldBe(("no room", 1.0, (DateTimeOffset?)null));
        full.Causes.ShouldBe(own);
    }

    [Theory]
    [InlineData(null, 300.0)]
    [InlineData(30.0, null)]
    [InlineData(30.0, 0.0)]
    public void Without_an_age_or_an_objective_there_is_no_part_of_it(double? age, double? limit) =>
        AlertSampler.Of(Facts(System() with { DataAgeSeconds = age, LossLimitSeconds = limit })).ShouldBeEmpty();

    [Theory]
    [InlineData(RunState.Running, StepState.Intended, 0.2, 0, 20.0)]
    [InlineData(RunState.Running, StepState.Intended, 5, 0, 4.0)]
    [InlineData(RunState.Running, StepState.Intended, 5, 21, 4.0)]
    [InlineData(RunState.Running, StepState.Intended, 20, 21, 4.0)]
    [InlineData(RunState.Running, StepState.Intended, 2, 21, 10.0)]
    [InlineData(RunState.Running, StepState.Intended, 20, 20, 1.0)]
    [InlineData(RunState.Running, StepState.Done, 5, 21, null)]
    [InlineData(RunState.OnTrial, StepState.Intended, 5, 21, null)]
    [InlineData(RunState.WaitingForApproval, StepState.Intended, 5, 21, null)]
    public void A_step_is_slow_by_its_usual_time_and_never_less_than_badly_when_its_phase_is_over_its_budget(RunState state, StepState step, double usual, double phaseSeconds, double? times)
    {
        var run = new RunView
        {
            Id = new RunId("r"), System = S1, Kind = RunKind.Failover, State = state, From = new SiteId("production"), To = new SiteId("backup"), Epoch = new Epoch(1), Actor = "a", Reason = "r", StartedAt = Start,
            Steps = [new StepRecord { Step = "PromoteCopy", Target = "b", Intent = "", State = step, StartedAt = Start.AddSeconds(-20) }],
        };
        var facts = Facts(System() with { Phase = nameof(Phase.Promoting), PhaseSince = Start.AddSeconds(-phaseSeconds), LiveRun = run }) with { StepSeconds = new Dictionary<string, double> { ["Failover/PromoteCopy"] = usual } };
        AlertSampler.Of(facts).SingleOrDefault(s => s.Kind == AlertKind.StepSlow)?.Value.ShouldBe(times!.Value, 1e-9);
        AlertSampler.Of(facts).Count(s => s.Kind == AlertKind.StepSlow).ShouldBe(times is null ? 0 : 1);
        AlertSampler.Of(facts).Count(s => s.Kind == AlertKind.PersonAwaited).ShouldBe(state == RunState.WaitingForApproval ? 1 : 0);
    }

    [Fact]
    public void A_writer_of_before_is_in_view_for_ten_minutes_and_a_system_is_large_from_a_tebibyte()
    {
        AlertFacts Seen(double minutes) => Facts(System()) with { StaleWriters = new Dictionary<SystemId, (DateTimeOffset, string)> { [S1] = (Start.AddMinutes(-minutes), "it writes") } };
        AlertSampler.Of(Seen(9.99)).ShouldHaveSingleItem().Since.ShouldBe(Start.AddMinutes(-9.99));
        AlertSampler.Of(Seen(10)).ShouldBeEmpty();

        AlertKind KindAt(long bytes, string volume = "s1") => AlertSampler.Of(Facts(System()) with { Drilled = new Dictionary<SystemId, DateTimeOffset> { [S1] = Start }, Devices = [Appliance(bytes, volume)] }).ShouldHaveSingleItem().Kind;
        (KindAt((1L << 40) - 1), KindAt(1L << 40), KindAt(1L << 40, "other")).ShouldBe((AlertKind.DrillOverdue, AlertKind.LargeDrillOverdue, AlertKind.DrillOverdue));
    }

    [Fact]
    public void A_certificate_alone_is_said_in_the_singular_and_five_are_named_at_most()
    {
        IReadOnlyList<CertificateEnd> Many(int count) => [.. Enumerable.Range(1, count).Select(k => new CertificateEnd($"k-{k}", "kiosk", Start.AddDays(-80), Start.AddDays(10 + k)))];
        string Text(int count) => AlertSampler.Of(Facts() with { Certificates = Many(count) }).ShouldHaveSingleItem().Text;
        Text(1).ShouldBe("1 certificate of role kiosk should have been renewed: k-1 (ends 2026-01-12 00:00 UTC).");
        Text(5).ShouldEndWith("k-5 (ends 2026-01-16 00:00 UTC).");
        Text(6).ShouldEndWith("k-5 (ends 2026-01-16 00:00 UTC) and others.");
    }

    private static void RisesAt(AlertKind kind, double limit, double minutes, AlertLevel level)
    {
        var within = new Life(kind, limit);
        within.Step(minutes + 3000);
        ((int)within.Level).ShouldBeLessThan((int)level, "at the limit it is within it");
        var life = new Life(kind, limit * 1.001);
        if (minutes > 0)
        {
            life.Step(minutes - 0.01);
            ((int)life.Level).ShouldBeLessThan((int)level, "before its time");
        }

        life.At(minutes, level);
        life.Notices[^1].ShouldBe(life.Notices.Count == 1 ? AlertNoticeKind.Raised : AlertNoticeKind.Escalated);
    }

    private static AlertFacts Facts(params SystemView[] systems) => new() { At = Start, Systems = systems };

    private static SystemView System() => new()
    {
        Id = S1, Name = "s1", Class = TakeoverClass.T, Phase = "Protected", PhaseSince = Start, Epoch = new Epoch(1), Site = new SiteId("production"), Home = new SiteId("production"), Peer = new SiteId("backup"), Volume = "s1", Conditions = [],
    };

    private static Condition Fails(string kind) => new() { Kind = kind, Holds = false, Reason = "because", Since = Start };

    private static DeviceView Appliance(long bytes, string volume) => new()
    {
        Id = new DeviceId("prod-1"), Presence = Presence.Alive, Since = Start,
        Volumes = [new VolumeStatus { Volume = default, Name = volume, SizeBytes = bytes, Role = VolumeRole.Primary, Epoch = new Epoch(1), Generation = default, Appended = default, Durable = default, Writable = true }],
    };

    /// <summary>One alert, seen from its first sample on.</summary>
    private sealed class Life
    {
        private AlertBoard _board = AlertBoard.Empty;

        public Life(AlertKind kind, double value)
        {
            (Kind, Value) = (kind, value);
            Step(0);
        }

        public AlertKind Kind { get; }

        /// <summary>0 = it is not found any more.</summary>
        public double Value { get; set; }

        public AlertLevel Level => _board.Alerts.Values.SingleOrDefault()?.Level ?? AlertLevel.None;

        public List<AlertNoticeKind> Notices { get; } = [];

        public void At(double minutes, AlertLevel expected, string? why = null)
        {
            Step(minutes);
            Level.ShouldBe(expected, $"{Kind} at {Value} after {minutes} min {why}");
        }

        public void Step(double minutes)
        {
            AlertSample[] samples = Value > 0 ? [new AlertSample { Kind = Kind, Subject = "system:s1", Value = Value, Text = "test" }] : [];
            var step = AlertMachine.Step(_board, samples, Start.AddMinutes(minutes));
            _board = step.Board;
            Notices.AddRange(step.Notices.Select(n => n.Kind));
        }
    }
}
