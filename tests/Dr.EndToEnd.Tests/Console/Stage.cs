using Dr.Contracts.Grains;
using Dr.Contracts.Ids;
using Dr.Contracts.Mqtt;
using Dr.Silo.WebConsole;

namespace Dr.EndToEnd.Tests.WebConsole;

/// <summary>Views of a library with two systems, for the staged page.</summary>
internal static class Stage
{
    private static readonly SiteId Production = new("production");
    private static readonly SiteId Backup = new("backup");

    public static ConsoleSnapshot Calm()
    {
        var now = DateTimeOffset.UtcNow;
        return new ConsoleSnapshot
        {
            At = now,
            Systems = [Dilas(now), Vpn(now)],
            Sites = [new SiteView { Id = Production }, new SiteView { Id = Backup }, new SiteView { Id = new SiteId("street") }],
            Devices =
            [
                Device("prod-1", Production, now, ["appliance", "host"]), Device("back-1", Backup, now, ["appliance", "host"]),
                Device("kiosk-1", new SiteId("street"), now, ["kiosk"]) with { Reach = [new ReachReport { Target = "system:dilas", Reachable = true, At = now, RoundTripMs = 3 }] },
                Device("kiosk-2", new SiteId("street"), now, ["kiosk"]) with { Presence = Presence.Suspect, LastHeard = now.AddSeconds(-94) },
            ],
            Volumes = [new VolumeView { Name = "dilas", System = new SystemId("dilas"), Copies = [Copy("prod-1", VolumeRole.Primary, now), Copy("back-1", VolumeRole.Replica, now)] }],
            Alerts = new AlertsView
            {
                At = now,
                Alerts =
                [
                    Alert("PeerNotReady", "system:vpn", Severity.Critical, "the other site cannot take over", "The other site cannot take vpn over: its host is silent", now.AddHours(-2)) with
                    {
                        Explains = [Alert("SystemUnprotected", "system:vpn", Severity.Critical, "no complete copy", "vpn has no complete, followed copy", now.AddHours(-1))],
                    },
                    Alert("DiskFilling", "device:prod-1", Severity.Warning, "an appliance's disk fills up", "The disk of prod-1 is full within days.", now.AddDays(-1)) with
                    {
                        Acknowledged = new AlertOrder { Actor = "li.wei", Reason = "a larger disk is ordered", Until = now.AddDays(2) },
                    },
                ],
                Silences = [new SilenceView { Id = "s1", Kind = "ClockSkew", Order = new AlertOrder { Actor = "li.wei", Reason = "the time server moves", Until = now.AddHours(3) } }],
            },
            Runs = [Finished(now, RunKind.Failback, "failback-2", now.AddHours(-26)), Finished(now, RunKind.Failover, "failover-1", now.AddHours(-28))],
            Events =
            [
                Event(9, now.AddSeconds(-94), "device.presence", "kiosk-2", "kiosk-2 is suspect: nothing came for 92 s, 90 s were promised", Severity.Warning),
                Event(8, now.AddMinutes(-4), "volume.point", "dilas", "Point 19c81a5c4be00001 taken, application-consistent"),
                Event(7, now.AddHours(-25), "system.phase", "dilas", "FailbackReady → Protected: the copy is complete"),
            ],
        };
    }

    public static ConsoleSnapshot Disaster()
    {
        var calm = Calm();
        var now = calm.At;
        var run = new RunView
        {
            Id = new RunId("dilas-auto-3-e5"), System = new SystemId("dilas"), Kind = RunKind.Failover, State = RunState.Running, From = Production, To = Backup, Epoch = new Epoch(3),
            Actor = "detector", Reason = "prod-1 is silent for 9 s and did not answer 5 probes; kiosk-1 and kiosk-2 cannot reach dilas", StartedAt = now.AddSeconds(-21),
            Steps =
            [
                Step("DemoteCopy", "prod-1", "Shut the write gate at production", StepState.Failed, now.AddSeconds(-20), 2.1, "no answer: the device is silent", []),
                Step("ClaimOwnership", "ledger", "Move the ownership record to epoch 4 at backup", StepState.Done, now.AddSeconds(-9.4), 0.02, null, new() { ["proof"] = "lease lapsed", ["leaseEnds"] = now.AddSeconds(-9.5).ToString("O") }),
                Step("PromoteCopy", "back-1", "Make the copy at backup the primary", StepState.Done, now.AddSeconds(-9.3), 0.3, null, new() { ["sequence"] = "812331", ["generation"] = "3f0d2c6a" }),
                Step("StartSystem", "back-1", "Attach, check and start the components at backup", StepState.Intended, now.AddSeconds(-9), null, null, []),
            ],
            Facts = new Dictionary<string, string> { ["detectedAt"] = now.AddSeconds(-21).ToString("O"), ["predictedLossSeconds"] = "0.4", ["fencingProof"] = "lease clock" },
        };
        var dilas = calm.Systems[0] with
        {
            Phase = "Starting", PhaseSince = now.AddSeconds(-9), Step = "attach, check and start the components at backup", LiveRun = run, Epoch = new Epoch(4), Site = Backup, DataAgeSeconds = null,
            Conditions =
            [
                Holds("Serving", false, "postgresql is starting at backup", now.AddSeconds(-22)), Holds("DataProtected", false, "the other site is silent", now.AddSeconds(-20)),
                Holds("PeerReady", false, "prod-1 is silent", now.AddSeconds(-20)), Holds("Fenced", true, "the lease of production has lapsed", now.AddSeconds(-9.5)),
            ],
            Components = [new ComponentHealth { Name = "postgresql", State = HealthState.Starting, Since = now.AddSeconds(-3), Detail = "recovery" }],
        };
        return calm with
        {
            Systems = [dilas, calm.Systems[1] with { Conditions = [Holds("Serving", true, "answers", now), Holds("PeerReady", false, "prod-1 is silent", now)] }],
            Devices = [calm.Devices[0] with { Presence = Presence.Silent, LastHeard = now.AddSeconds(-30), Since = now.AddSeconds(-21) }, .. calm.Devices.Skip(1)],
        };
    }

    private static SystemView Dilas(DateTimeOffset now) => new()
    {
        Id = new SystemId("dilas"), Name = "DILAS integrated library system", Class = TakeoverClass.T, Phase = "Protected", PhaseSince = now.AddMinutes(-92), Epoch = new Epoch(3),
        Site = Production, Home = Production, Peer = Backup, Volume = "dilas", DataAgeSeconds = 0.4, PredictedLossSeconds = 0.4, ForecastSeconds = 14, LossLimitSeconds = 300, Points = 231,
        NewestPoint = new PointInfo { Id = PointId.From(now, 1), At = now.AddMinutes(-4), Sequence = new SequenceNumber(812_000), Consistency = PointConsistency.Application, Reason = "postgresql" },
        Conditions =
        [
            Holds("Serving", true, "postgresql answers at production", now.AddMinutes(-92)), Holds("DataProtected", true, "the copy at back-1 is current", now.AddMinutes(-92)),
            Holds("PeerReady", true, "back-1 beats and can start the components", now.AddHours(-3)), Holds("Fenced", false, "nobody has to be", now.AddMinutes(-92)),
        ],
        Components = [new ComponentHealth { Name = "postgresql", State = HealthState.Running, Since = now.AddMinutes(-92), Detail = "select 1 in 2 ms" }, new ComponentHealth { Name = "app", State = HealthState.Degraded, Since = now.AddMinutes(-2), Detail = "answers in 1.9 s" }],
    };

    private static SystemView Vpn(DateTimeOffset now) => new()
    {
        Id = new SystemId("vpn"), Name = "VPN", Class = TakeoverClass.R, Phase = "Protected", PhaseSince = now.AddDays(-4), Epoch = new Epoch(1), Site = Backup, Home = Backup, Peer = Production,
        Conditions = [Holds("Serving", true, "answers at backup", now.AddDays(-4)), Holds("PeerReady", true, "an instance runs at production", now.AddDays(-4))], ForecastSeconds = 3,
    };

    private static DeviceView Device(string id, SiteId site, DateTimeOffset now, string[] roles) => new()
    {
        Id = new DeviceId(id), Site = site, Roles = roles, Presence = Presence.Alive, Since = now.AddHours(-3), LastHeard = now.AddSeconds(-1.2), Deadline = now.AddSeconds(6), PeriodMs = 2000, HourClass = HourClass.Busy, Software = "dr-edge 0.1.0", Phi = 0.3,
    };

    private static CopyView Copy(string device, VolumeRole role, DateTimeOffset now) => new()
    {
        Appliance = new DeviceId(device),
        ReportedAt = now.AddSeconds(-1),
        Status = new VolumeStatus
        {
            Volume = default, Name = "dilas", SizeBytes = 200L << 30, Role = role, Epoch = new Epoch(3), Generation = default, Appended = new SequenceNumber(812_331), Durable = new SequenceNumber(812_331),
            Writable = role == VolumeRole.Primary, PointCount = 231, AllocatedBytes = 161L << 30, CurrentAsOf = now,
            Copies = role == VolumeRole.Primary ? [new CopyStatus { Peer = "10.0.2.1:10811", Mode = CopyMode.Stream, State = CopyState.Current, LagSeconds = 0.4, LagBytes = 81_920 }] : [],
        },
    };

    private static RunView Finished(DateTimeOffset now, RunKind kind, string id, DateTimeOffset at) => new()
    {
        Id = new RunId(id), System = new SystemId("dilas"), Kind = kind, State = RunState.Done, From = kind == RunKind.Failback ? Backup : Production, To = kind == RunKind.Failback ? Production : Backup, Epoch = new Epoch(2), Actor = "li.wei",
        Reason = "production is repaired", StartedAt = at, FinishedAt = at.AddSeconds(19), Outcome = "Nothing was lost: final point and digest are equal at both sites.",
        Steps = [Step("DigestCopy", "back-1", "Prove both copies equal", StepState.Done, at, 3.2, null, new() { ["digest"] = "9f2c41d07a5be6", ["sequence"] = "790112" })],
    };

    private static StepRecord Step(string step, string target, string intent, StepState state, DateTimeOffset at, double? seconds, string? detail, Dictionary<string, string> evidence) => new()
    {
        Step = step, Target = target, Intent = intent, State = state, StartedAt = at, FinishedAt = seconds is { } s ? at.AddSeconds(s) : null, Detail = detail, Evidence = evidence, Epoch = new Epoch(4),
    };

    private static Condition Holds(string kind, bool? holds, string reason, DateTimeOffset since) => new() { Kind = kind, Holds = holds, Reason = reason, Since = since };

    private static AlertView Alert(string kind, string subject, Severity level, string title, string text, DateTimeOffset at) => new()
    {
        Id = $"{kind}.{subject.Replace(':', '.')}.{at.ToUnixTimeSeconds()}".ToLowerInvariant(), Kind = kind, Subject = subject, Level = level, Title = title, Text = text, Value = 1, RaisedAt = at, Runbook = "peer-not-ready.md",
    };

    private static EventRecord Event(long id, DateTimeOffset at, string kind, string subject, string text, Severity severity = Severity.Information) =>
        new() { Id = id, At = at, Kind = kind, Subject = subject, Text = text, Severity = severity };
}
