namespace Dr.Silo.WebConsole;

/// <summary>Where the page gets what it shows.</summary>
public interface IConsoleData
{
    /// <summary>
    /// Reads everything with deadlines of its own: what does not answer in time is named in <see cref="ConsoleSnapshot.Missing"/> and never holds up the rest.
    /// </summary>
    Task<ConsoleSnapshot> ReadAsync(CancellationToken cancellationToken);
}
