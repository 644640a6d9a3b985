using Dr.Edge.Host.Config;
using Dr.Edge.Host.Processes;

namespace Dr.Edge.Host.Components;

/// <summary>
/// What the database servers have in common: one directory with all that is theirs. Which processes are their own is told by the working directory, which the server sets to it: that also holds after the agent was
/// killed, and when the files on the volume cannot be read any more.
/// </summary>
/// <param name="programs">The names of the server's processes.</param>
internal sealed class DatabaseDirectory(ComponentOptions options, TimeProvider time, params string[] programs)
{
    private static readonly TimeSpan KillTime = TimeSpan.FromSeconds(10);

    public string Path { get; } = options.DataDirectory!.TrimEnd('/');

    public string Log => options.Log ?? In("server.log");

    public string In(string name) => System.IO.Path.Combine(Path, name);

    public IReadOnlyList<ProcessEntry> Processes() => [.. ProcessTable.All().Where(p => programs.Contains(p.Name, StringComparer.Ordinal) && ProcessTable.WorkingDirectory(p.Id) == Path)];

    /// <summary>Makes it, for the server's user alone.</summary>
    /// <exception cref="DrException">There is something in it already.</exception>
    public async Task MakeAsync(OsUser user, CancellationToken cancellationToken)
    {
        Directory.CreateDirectory(Path);
        if (Directory.EnumerateFileSystemEntries(Path).Any())
        {
            throw new DrException($"{Path} is neither empty nor a database.", "Nothing was changed. Look what is there and move it away.");
        }

        Signals.ChangeOwner(Path, user);
        await ProgramRunner.RunAsync("chmod", ["0700", Path], TimeSpan.FromSeconds(10), cancellationToken);
    }

    /// <exception cref="DrException">No database is there, as <paramref name="isThere"/> says.</exception>
    public void Require(bool isThere)
    {
        if (!isThere)
        {
            throw new DrException($"There is no database in {Path}.", "Make one with 'dr-edge system prepare', or correct the component's dataDirectory.");
        }
    }

    /// <exception cref="DrException">The server runs.</exception>
    public void RequireNoneRuns()
    {
        if (Processes() is [var process, ..])
        {
            throw new DrException($"{options.Name} runs already in process {process.Id}.", "Stop it first.");
        }
    }

    /// <summary>True when none of its processes is left within <paramref name="patience"/>.</summary>
    public Task<bool> AwaitEndAsync(TimeSpan patience, CancellationToken cancellationToken) => Waiting.UntilAsync(() => Processes().Count == 0, patience, time, cancellationToken);

    public async Task KillAsync(CancellationToken cancellationToken)
    {
        foreach (var process in Processes())
        {
            Signals.Send(process.Id, Signals.Kill);
        }

        if (!await AwaitEndAsync(KillTime, cancellationToken))
        {
            throw new DrException(
                $"{options.Name} does not end, even when killed: {string.Join(", ", Processes().Select(p => p.Id))}.", "It waits in the kernel for a device; a restart of the machine ends it for certain.");
        }
    }
}
