using Microsoft.Extensions.Logging.Abstractions;

namespace Dr.Silo.Hosting;

/// <summary>A logger for what is made before the host that logs; silent until then.</summary>
internal sealed class HostLogger : ILogger
{
    private ILogger _target = NullLogger.Instance;

    public void Use(ILogger target) => Volatile.Write(ref _target, target);

    public IDisposable? BeginScope<TState>(TState state)
        where TState : notnull => Volatile.Read(ref _target).BeginScope(state);

    public bool IsEnabled(LogLevel logLevel) => Volatile.Read(ref _target).IsEnabled(logLevel);

    public void Log<TState>(LogLevel logLevel, EventId eventId, TState state, Exception? exception, Func<TState, Exception?, string> formatter) =>
        Volatile.Read(ref _target).Log(logLevel, eventId, state, exception, formatter);
}
