using Dr.Contracts.Grains;
using Dr.Contracts.Ids;
using Dr.Contracts.Mqtt;

namespace Dr.Silo.Tests.WebConsole;

/// <summary>Views as the grains give them out, for the tests of the page.</summary>
internal static class Views
{
    public static readonly DateTimeOffset Now = new(2026, 3, 2, 3, 14, 15, TimeSpan.Zero);
    public static readonly SiteId Production = new("production");
    public static readonly SiteId Backup = new("backup");

    public static Condition Holds(string kind, bool? holds = true, string reason = "as it should be") =>
        new() { Kind = kind, Holds = holds, Reason = reason, Since = Now.AddMinutes(-12) };

    public static SystemView Library(string id = "dilas", string name = "DILAS", double? loss = 0.4, double? forecast = 12, params Condition[] conditions) => new()
    {
        Id = new SystemId(id),
        Name = name,
        Class = TakeoverClass.T,
        Phase = "Protected",
        PhaseSince = Now.AddMinutes(-12),
        Conditions = conditions.Length > 0 ? conditions : [Holds("Serving"), Holds("DataProtected"), Holds("PeerReady"), Holds("Fenced", false, "nobody has to be")],
        Epoch = new Epoch(3),
        Site = Production,
        Home = Production,
        Peer = Backup,
        Volume = id,
        DataAgeSeconds = loss,
        PredictedLossSeconds = loss,
        ForecastSeconds = forecast,
        LossLimitSeconds = 300,
        Points = 17,
        NewestPoint = new PointInfo
        {
            Id = PointId.From(Now.AddSeconds(-40), 7), At = Now.AddSeconds(-40), Sequence = new SequenceNumber(41_000), Consistency = PointConsistency.Application, Reason = "postgresql: backup mode",
        },
        Components = [new ComponentHealth { Name = "postgresql", State = HealthState.Running, Since = Now.AddHours(-3), Detail = "select 1 in 2 ms" }],
    };

    public static DeviceView Device(string id, string site, Presence presence = Presence.Alive, params string[] roles) => new()
    {
        Id = new DeviceId(id),
        Site = new SiteId(site),
        Roles = roles.Length > 0 ? roles : ["appliance", "host"],
        Presence = presence,
        Since = Now.AddHours(-1),
        LastHeard = presence == Presence.Unknown ? null : Now.AddSeconds(presence == Presence.Alive ? -1 : -95),
        Deadline = Now.AddSeconds(7),
        PeriodMs = 2000,
        HourClass = HourClass.Busy,
        Software = "dr-edge 0.1.0",
    };

    public static RunView Run(RunState state, params StepRecord[] steps) => new()
    {
        Id = new RunId("dilas-auto-1-e4"),
        System = new SystemId("dilas"),
        Kind = RunKind.Failover,
        State = state,
        From = Production,
        To = Backup,
        Epoch = new Epoch(3),
        Actor = "detector",
        Reason = "prod-1 silent for 9 s; two kiosks cannot reach dilas",
        StartedAt = Now.AddSeconds(-20),
        FinishedAt = state is RunState.Done or RunState.Failed or RunState.Stopped ? Now.AddSeconds(-5) : null,
        Steps = steps,
        Facts = new Dictionary<string, string> { ["predictedLossSeconds"] = "0.4", ["fencingProof"] = "lease lapsed" },
    };

    public static StepRecord Step(string step, StepState state, string intent) => new()
    {
        Step = step,
        Target = "back-1",
        Intent = intent,
        State = state,
        Epoch = new Epoch(4),
        StartedAt = Now.AddSeconds(-10),
        FinishedAt = state == StepState.Intended ? null : Now.AddSeconds(-7.5),
        Detail = state == StepState.Failed ? "fsck found errors" : null,
        Evidence = new Dictionary<string, string> { ["sequence"] = "41233" },
    };
}
