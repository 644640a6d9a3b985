using Microsoft.Extensions.Logging;

namespace Dr.Edge.Volumes;

/// <summary>What it logs: in one place, so that one source gives one program whatever order a generator takes files in.</summary>
internal sealed partial class Volume
{
    [LoggerMessage(1101, LogLevel.Error, "Volume {Volume} has stopped: {Reason}")]
    private partial void LogFailed(string volume, string reason);

    [LoggerMessage(1102, LogLevel.Information, "Volume {Volume} opened: {Role}, epoch {Epoch}, {Sequence} writes, {Cut} bytes of a torn tail cut")]
    private partial void LogOpened(string volume, VolumeRole role, Epoch epoch, long sequence, long cut);

    [LoggerMessage(1104, LogLevel.Warning, "Volume {Volume}: the empty file of a layer could not be removed; the next start does it")]
    private partial void LogSpareLeft(string volume, Exception exception);

    [LoggerMessage(1106, LogLevel.Warning, "Volume {Volume}: the file of the next layer could not be made ahead; the next point tries again")]
    private partial void LogSpareMissing(string volume, Exception exception);

    [LoggerMessage(1142, LogLevel.Information, "Volume {Volume}: {Count} points gave way to its policy, the oldest {Point}")]
    private partial void LogGaveWay(string volume, int count, PointId point);

    [LoggerMessage(1143, LogLevel.Information, "Volume {Volume}: {Count} layers of {Bytes} bytes became one of {Left}")]
    private partial void LogCompacted(string volume, int count, long bytes, long left);
}
