using Dr.Contracts.Wire;

namespace Dr.Edge.Replication;

/// <summary>The peer (or our own rules) refused to go on with this volume on this stream.</summary>
internal sealed class StreamRefusedException(RefusalCode code, string message, string? hint) : DrException(message, hint, isTransient: true)
{
    public RefusalCode Code { get; } = code;
}
