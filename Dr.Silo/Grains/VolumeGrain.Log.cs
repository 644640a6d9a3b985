using Dr.Contracts.Policy;

namespace Dr.Silo.Grains;

/// <summary>What it logs: in one place, so that one source gives one program whatever order a generator takes files in.</summary>
internal sealed partial class VolumeGrain
{
    [LoggerMessage(3201, LogLevel.Information, "Volume {VolumeName}: point {Outcome}: {Detail}")]
    private partial void LogPoint(string volumeName, CommandOutcome outcome, string? detail);

    [LoggerMessage(3202, LogLevel.Information, "Volume {VolumeName}: the mirror at {Peer} is recorded as {State}")]
    private partial void LogMirror(string volumeName, string peer, MirrorState state);

    [LoggerMessage(3203, LogLevel.Information, "Volume {VolumeName}: {DeviceId} keeps to its policy: {Policy}")]
    private partial void LogPushed(string volumeName, DeviceId deviceId, string policy);

    [LoggerMessage(3204, LogLevel.Warning, "Volume {VolumeName}: {DeviceId} does not keep to its policy: {Reason}")]
    private partial void LogNotPushed(string volumeName, DeviceId deviceId, string reason);

    [LoggerMessage(3205, LogLevel.Information, "Volume {VolumeName}: {Kind} backup at point {PointId}, other copy {Peer}, digest {Digest}")]
    private partial void LogBackup(string volumeName, BackupKind kind, PointId pointId, string peer, string digest);

    [LoggerMessage(3206, LogLevel.Warning, "Volume {VolumeName}: {Kind} backup failed: {Reason}; again at {AgainAt:u}")]
    private partial void LogBackupFailed(string volumeName, BackupKind kind, string reason, DateTimeOffset againAt);

    [LoggerMessage(3207, LogLevel.Warning, "Volume {VolumeName}: {DeviceId} no longer keeps to its policy and is told it again: {What}")]
    private partial void LogStrayed(string volumeName, DeviceId deviceId, string what);
}
