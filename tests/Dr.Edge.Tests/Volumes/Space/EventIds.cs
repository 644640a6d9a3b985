using Microsoft.Extensions.Logging;

namespace Dr.Edge.Tests.Volumes.Space;

/// <summary>Remembers the event ids that were logged at information or above.</summary>
internal sealed class EventIds : ILogger
{
    private readonly List<int> _seen = [];

    public IReadOnlyList<int> Seen
    {
        get
        {
            lock (_seen)
            {
                return [.. _seen];
            }
        }
    }

    public IDisposable? BeginScope<TState>(TState state)
        where TState : notnull => null;

    public bool IsEnabled(LogLevel logLevel) => logLevel >= LogLevel.Information;

    public void Log<TState>(LogLevel logLevel, EventId eventId, TState state, Exception? exception, Func<TState, Exception?, string> formatter)
    {
        lock (_seen)
        {
            _seen.Add(eventId.Id);
        }
    }
}

/// <summary>The same for a class that logs under its own name.</summary>
internal sealed class EventIds<T>(EventIds log) : ILogger<T>
{
    public IDisposable? BeginScope<TState>(TState state)
        where TState : notnull => null;

    public bool IsEnabled(LogLevel logLevel) => log.IsEnabled(logLevel);

    public void Log<TState>(LogLevel logLevel, EventId eventId, TState state, Exception? exception, Func<TState, Exception?, string> formatter) => log.Log(logLevel, eventId, state, exception, formatter);
}
