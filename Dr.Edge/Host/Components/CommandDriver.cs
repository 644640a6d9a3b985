using Dr.Edge.Host.Checks;
using Dr.Edge.Host.Config;
using Dr.Edge.Host.Plan;
using Dr.Edge.Host.Processes;

namespace Dr.Edge.Host.Components;

/// <summary>A component that is started, and perhaps stopped, by commands of the operator.</summary>
internal sealed class CommandDriver(ComponentOptions options, HostPaths paths, IComponentMarks marks, TimeProvider time) : IComponentDriver
{
    public ComponentOptions Options => options;

    public string? DefaultConnection => null;

    private string Log => options.Log ?? paths.LogOf(options.Name);

    public Task<string?> PrepareAsync(CancellationToken cancellationToken) => Task.FromResult<string?>(null);

    public async Task<ComponentPresence> ObserveAsync(CancellationToken cancellationToken)
    {
        if (options.Background)
        {
            // Its processes are not known to be its own; its service tells.
            var outcome = await ComponentCheck.RunAsync(this, cancellationToken);
            return outcome.Verdict == CheckVerdict.Passed ? ComponentPresence.Running : ComponentPresence.Absent;
        }

        var leaderLives = marks.MarkOf(options.Name) is { } mark && ProcessTable.IsAlive(mark);
        return leaderLives ? ComponentPresence.Running : Processes().Count > 0 ? ComponentPresence.Leftover : ComponentPresence.Absent;
    }

    public async Task StartAsync(CancellationToken cancellationToken)
    {
        var user = await OsUser.FindAsync(options.User, cancellationToken);
        if (options.Background)
        {
            (await ProgramRunner.ShellAsync($"({options.Start}) </dev/null >>'{Log}' 2>&1", user, options.StartTimeout, cancellationToken)).Require($"Starting {options.Name}", $"See {Log}.");
            return;
        }

        var (program, arguments) = user.Wrap("/bin/sh", ["-c", options.Start!]);
        marks.SetMark(options.Name, await DetachedProgram.StartAsync(program, arguments, Log, cancellationToken));
    }

    public async Task StopAsync(CancellationToken cancellationToken)
    {
        if (options.Stop is { } stop)
        {
            var result = await ProgramRunner.ShellAsync(stop, await OsUser.FindAsync(options.User, cancellationToken), options.StopTimeout, cancellationToken);
            if (options.Background)
            {
                result.Require($"Stopping {options.Name}");
                if (await ObserveAsync(cancellationToken) == ComponentPresence.Running)
                {
                    throw new DrException($"{options.Name} still answers after its stop command.", "Correct the component's 'stop'.");
                }
            }

            await Waiting.UntilAsync(() => Processes().Count == 0, options.StopTimeout, time, cancellationToken);
        }

        await EndAsync(options.StopTimeout, cancellationToken);
    }

    public Task KillAsync(CancellationToken cancellationToken) => EndAsync(TimeSpan.Zero, cancellationToken);

    public IReadOnlyList<ProcessEntry> Processes() => marks.MarkOf(options.Name) is { } mark ? DetachedProgram.Members(mark) : [];

    private async Task EndAsync(TimeSpan patience, CancellationToken cancellationToken)
    {
        if (marks.MarkOf(options.Name) is { } mark)
        {
            await DetachedProgram.EndAsync(mark, patience, time, cancellationToken);
            marks.SetMark(options.Name, null);
        }
    }
}
