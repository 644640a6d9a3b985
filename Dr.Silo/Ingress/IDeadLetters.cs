using Microsoft.Extensions.Logging;

namespace Dr.Silo.Ingress;

/// <summary>Where a message goes that cannot be understood: kept for people, in nobody's way.</summary>
public interface IDeadLetters
{
    /// <summary>Never throws: a message that is no message must not cost anybody anything.</summary>
    Task AddAsync(string topic, ReadOnlyMemory<byte> payload, string reason, CancellationToken cancellationToken);
}

/// <summary>Dead letters as log entries with the beginning of the payload.</summary>
internal sealed partial class LoggedDeadLetters(ILogger<LoggedDeadLetters> logger) : IDeadLetters
{
    private const int ShownBytes = 128;

    public Task AddAsync(string topic, ReadOnlyMemory<byte> payload, string reason, CancellationToken cancellationToken)
    {
        LogDeadLetter(topic, payload.Length, reason, Convert.ToHexString(payload.Span[..Math.Min(payload.Length, ShownBytes)]));
        return Task.CompletedTask;
    }

    [LoggerMessage(3601, LogLevel.Warning, "A message on {Topic} of {Length} bytes is set aside: {Reason} ({Beginning})")]
    private partial void LogDeadLetter(string topic, int length, string reason, string beginning);
}
