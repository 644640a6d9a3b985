using Dr.Edge.Replication.Mirror;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Logging.Abstractions;

namespace Dr.Crash.Child.Copying;

/// <summary>An appliance in a process of its own: orders on standard input, answers (<c>= …</c>) and what was written (<c>w seed number</c>) on standard output, until it is killed.</summary>
internal static class CopyChild
{
    public static async Task<int> RunAsync(string directory, string listen)
    {
        await using var output = new StreamWriter(Console.OpenStandardOutput()) { AutoFlush = true };
        var writing = new Lock(); // One line at a time.
        void Say(string line)
        {
            lock (writing)
            {
                output.WriteLine(line);
            }
        }

        using var logs = Environment.GetEnvironmentVariable("DR_CHILD_LOG") is { Length: > 0 } path ? LoggerFactory.Create(b => b.AddProvider(new FileLog(path))) : null;
        var clock = new ShiftedTime();
        var disk = new FullDisk();
        await using var appliance = await Appliance.OpenAsync(directory, Path.GetFileName(directory), listen, logs ?? (ILoggerFactory)NullLoggerFactory.Instance, new NoLedger(), clock, faults: disk);
        var shell = new CopyShell(appliance, clock, disk, at => Say($"w {at.Seed} {at.Number}"));
        Say("= open");
        while (Console.In.ReadLine() is { } order)
        {
            Say($"= {await shell.RunAsync(order)}");
        }

        return 0;
    }

    private sealed class FileLog(string path) : ILoggerProvider, ILogger
    {
        private readonly Lock _lock = new();

        public ILogger CreateLogger(string categoryName) => this;

        public IDisposable? BeginScope<TState>(TState state)
            where TState : notnull => null;

        public bool IsEnabled(LogLevel logLevel) => true;

        public void Log<TState>(LogLevel logLevel, EventId eventId, TState state, Exception? exception, Func<TState, Exception?, string> formatter)
        {
            lock (_lock)
            {
                File.AppendAllText(path, $"{DateTime.UtcNow:HH:mm:ss.fff} {formatter(state, exception)} {exception}\n");
            }
        }

        public void Dispose()
        {
        }
    }
}
