using Dr.Silo.Decisions.Failover;

namespace Dr.Silo.Grains;

/// <summary>What it logs: in one place, so that one source gives one program whatever order a generator takes files in.</summary>
internal sealed partial class BusinessSystemGrain
{
    [LoggerMessage(3001, LogLevel.Information, "System {SystemId}: {From} → {To}: {Rule} (epoch {Epoch})")]
    private partial void LogTransition(SystemId systemId, Phase from, Phase to, string rule, Epoch epoch);

    [LoggerMessage(3002, LogLevel.Information, "System {SystemId} taken up in {Phase} at epoch {Epoch}, live run {Run}")]
    private partial void LogTakenUp(SystemId systemId, Phase phase, Epoch epoch, string run);

    [LoggerMessage(3003, LogLevel.Warning, "System {SystemId}: another activation wrote; this one gives way and is read anew")]
    private partial void LogConflict(SystemId systemId);

    [LoggerMessage(3004, LogLevel.Warning, "System {SystemId}: a round failed and is tried again")]
    private partial void LogPumpFailed(SystemId systemId, Exception exception);

    [LoggerMessage(3005, LogLevel.Error, "System {SystemId}: a rule that must always hold does not; the activation is dropped")]
    private partial void LogInvariant(SystemId systemId, Exception exception);

    [LoggerMessage(3006, LogLevel.Information, "System {SystemId}: ownership {Wanted} claimed: {Claimed}, the ledger has {Actual}")]
    private partial void LogClaim(SystemId systemId, Ownership wanted, bool claimed, Ownership actual);

    [LoggerMessage(3016, LogLevel.Warning, "System {SystemId}: what is stored of its mirrors could not be read: {Reason}")]
    private partial void LogNotHeard(SystemId systemId, string reason);

    [LoggerMessage(3017, LogLevel.Debug, "System {SystemId}: the grain of {DeviceId} did not say whether it is alive: {Reason}")]
    private partial void LogNotAsked(SystemId systemId, DeviceId deviceId, string reason);

    [LoggerMessage(3018, LogLevel.Warning, "System {SystemId}: nobody said whether many are silent at once: {Reason}")]
    private partial void LogNoFleet(SystemId systemId, string reason);

    [LoggerMessage(3019, LogLevel.Warning, "System {SystemId}: the evidence of its finding could not be kept: {Reason}")]
    private partial void LogNoEvidence(SystemId systemId, string reason);

    [LoggerMessage(3020, LogLevel.Warning, "System {SystemId}: it was started again at {SiteId}, and its network actions could not be brought: {Reason}")]
    private partial void LogNoNetwork(SystemId systemId, SiteId siteId, string? reason);

    [LoggerMessage(3021, LogLevel.Warning, "System {SystemId}: {Missed} of {All} devices that follow it do not know yet that it is at {Site}; they are told again")]
    private partial void LogFollowersMissed(SystemId systemId, int missed, int all, SiteId site);
}
