using Dr.Silo.Decisions.Detection;

namespace Dr.Silo.Grains;

/// <summary>What it logs: in one place, so that one source gives one program whatever order a generator takes files in.</summary>
internal sealed partial class DeviceGrain
{
    [LoggerMessage(3101, LogLevel.Information, "Device {DeviceId}: birth with device epoch {Epoch} ignored, {Seen} was seen")]
    private partial void LogOldBirth(DeviceId deviceId, long epoch, long seen);

    [LoggerMessage(3102, LogLevel.Information, "Device {DeviceId}: the broker says it is off-line (device epoch {Epoch})")]
    private partial void LogWill(DeviceId deviceId, long epoch);

    [LoggerMessage(3103, LogLevel.Information, "Device {DeviceId} is {Presence}: {Reason}")]
    private partial void LogPresence(DeviceId deviceId, Presence presence, string reason);

    [LoggerMessage(3104, LogLevel.Warning, "Device {DeviceId}: {What} did not get through and is tried again: {Reason}")]
    private partial void LogNotThrough(DeviceId deviceId, string what, string reason);

    [LoggerMessage(3105, LogLevel.Debug, "Device {DeviceId}: its configuration goes with the next tick: {Reason}")]
    private partial void LogConfigLater(DeviceId deviceId, string reason);

    [LoggerMessage(3106, LogLevel.Information, "Device {DeviceId}: {Actor} tests its detection; nothing is decided by it")]
    private partial void LogTest(DeviceId deviceId, string actor);

    [LoggerMessage(3107, LogLevel.Information, "Device {DeviceId}: a stop would have been suspected after {Seconds:0.00} s, at the most {BoundSeconds:0.00} s are promised")]
    private partial void LogTested(DeviceId deviceId, double seconds, double boundSeconds);
}
