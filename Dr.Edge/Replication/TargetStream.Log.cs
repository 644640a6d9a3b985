using Dr.Contracts.Wire;
using Microsoft.Extensions.Logging;

namespace Dr.Edge.Replication;

internal sealed partial class TargetStream
{
    private void LogEnded(string? volume, string reason) => LogEnded(_context.Logger, volume, reason);

    private void LogRefused(string? volume, RefusalCode code, string reason) => LogRefused(_context.Logger, volume, code, reason);

    private void LogDetached(string volume, string reason) => LogDetached(_context.Logger, volume, reason);

    private void LogCreated(string volume, string peer) => LogCreated(_context.Logger, volume, peer);

    private void LogStepsDown(string volume, Epoch old, Epoch epoch) => LogStepsDown(_context.Logger, volume, old, epoch);

    private void LogRewinds(string volume, SequenceNumber from, SequenceNumber to, string tail) => LogRewinds(_context.Logger, volume, from, to, tail);

    private void LogKeeps(string volume, SequenceNumber at, string tail) => LogKeeps(_context.Logger, volume, at, tail);

    private void LogDivergentBlocks(string volume, int blocks, long total) => LogDivergentBlocks(_context.Logger, volume, blocks, total);

    private void LogCommitted(string volume, PointId point, SequenceNumber sequence) => LogCommitted(_context.Logger, volume, point, sequence);

    private void LogFault(string? volume, Exception exception) => LogFault(_context.Logger, volume, exception);

    [LoggerMessage(2109, LogLevel.Error, "{Volume}: receiving failed unexpectedly; the connection is given up")]
    private static partial void LogFault(ILogger logger, string? volume, Exception exception);

    [LoggerMessage(2101, LogLevel.Debug, "{Volume}: the incoming stream ended: {Reason}")]
    private static partial void LogEnded(ILogger logger, string? volume, string reason);

    [LoggerMessage(2102, LogLevel.Warning, "{Volume}: a source was refused ({Code}): {Reason}")]
    private static partial void LogRefused(ILogger logger, string? volume, RefusalCode code, string reason);

    [LoggerMessage(2103, LogLevel.Information, "{Volume}: the source stopped sending: {Reason}")]
    private static partial void LogDetached(ILogger logger, string volume, string reason);

    [LoggerMessage(2104, LogLevel.Information, "{Volume}: a copy was made for the source {Peer}")]
    private static partial void LogCreated(ILogger logger, string volume, string peer);

    [LoggerMessage(2105, LogLevel.Warning, "{Volume}: was primary at epoch {OldEpoch}; the owner at epoch {Epoch} has come, nothing is written here any more")]
    private static partial void LogStepsDown(ILogger logger, string volume, Epoch oldEpoch, Epoch epoch);

    [LoggerMessage(2106, LogLevel.Warning, "{Volume}: goes back from {From} to {To}; what lay beyond is kept as the clone {Tail}")]
    private static partial void LogRewinds(ILogger logger, string volume, SequenceNumber from, SequenceNumber to, string tail);

    [LoggerMessage(2110, LogLevel.Warning, "{Volume}: shares no position with its owner any more; everything here up to {At} is kept as the clone {Tail} and the owner's content comes anew")]
    private static partial void LogKeeps(ILogger logger, string volume, SequenceNumber at, string tail);

    [LoggerMessage(2107, LogLevel.Warning, "{Volume}: {Blocks} blocks of the base differed from the source's and are asked for whole ({Total} in this delta)")]
    private static partial void LogDivergentBlocks(ILogger logger, string volume, int blocks, long total);

    [LoggerMessage(2108, LogLevel.Debug, "{Volume}: point {Point} attached at {Sequence}")]
    private static partial void LogCommitted(ILogger logger, string volume, PointId point, SequenceNumber sequence);
}
