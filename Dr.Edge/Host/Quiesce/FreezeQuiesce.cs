using Dr.Edge.Host.Processes;

namespace Dr.Edge.Host.Quiesce;

/// <summary>
/// A pair of commands, of which the first stops all writing and the second lets it go on. A watchdog process of its own, started before anything is frozen,
/// thaws at the deadline even if the agent dies.
/// </summary>
/// <param name="mount">A file system that is written out first, with everybody at work: freezing it writes out whatever is left, with everybody waiting. Null = none.</param>
internal sealed class FreezeQuiesce(string name, string freeze, string thaw, TimeSpan timeout, string log, TimeProvider time, string? mount = null) : IQuiesceProvider
{
    // The agent gives up before the watchdog acts, so a point is never marked while the watchdog thaws.
    private static readonly TimeSpan Margin = TimeSpan.FromMilliseconds(500);

    public static FreezeQuiesce OfFileSystem(string mount, TimeSpan timeout, string log, TimeProvider time) =>
        new("fsfreeze", $"fsfreeze --freeze '{mount}'", $"fsfreeze --unfreeze '{mount}'", timeout, log, time, mount);

    public async Task<IQuiesceWindow> EnterAsync(CancellationToken cancellationToken)
    {
        if (mount is not null)
        {
            await WriteOutAsync(mount, cancellationToken);
        }

        var start = time.GetTimestamp();
        var seconds = (timeout + Margin).TotalSeconds.ToString("0.###", CultureInfo.InvariantCulture);
        var watchdog = await DetachedProgram.StartAsync("/bin/sh", ["-c", $"sleep {seconds}; {thaw}"], log, cancellationToken);
        var window = new FreezeWindow(this, watchdog, start);
        try
        {
            (await ProgramRunner.ShellAsync(freeze, OsUser.Root, timeout, cancellationToken)).Require($"Freezing ({name})");
            return window;
        }
        catch (Exception exception) when (exception is DrException or OperationCanceledException)
        {
            await window.DisposeAsync();
            throw;
        }
    }

    private async Task WriteOutAsync(string mountPoint, CancellationToken cancellationToken)
    {
        await new WriteAhead(mountPoint, WriteAhead.BudgetOf(timeout), time).RunAsync(cancellationToken);
        try
        {
            await ProgramRunner.RunAsync("sync", ["--file-system", mountPoint], timeout, cancellationToken);
        }
        catch (DrException)
        {
            // It takes too long: the freeze says whether it does as well.
        }
    }

    private sealed class FreezeWindow(FreezeQuiesce owner, ProcessMark watchdog, long start) : IQuiesceWindow
    {
        public QuiesceMark Mark => owner.Elapsed(start) < owner.Timeout && ProcessTable.IsAlive(watchdog)
            ? QuiesceMark.Application(owner.Name)
            : QuiesceMark.Crash($"{owner.Name}: the point was not taken within {owner.Timeout.TotalSeconds:0.#} s");

        public async ValueTask DisposeAsync()
        {
            // Thaw first, then end the watchdog: in the other order an agent that dies in between would leave everything frozen.
            try
            {
                await ProgramRunner.ShellAsync(owner.Thaw, OsUser.Root, owner.Timeout, CancellationToken.None);
            }
            catch (DrException)
            {
                return; // The watchdog stays and goes on trying to thaw.
            }

            await DetachedProgram.EndAsync(watchdog, TimeSpan.FromSeconds(1), owner.Time, CancellationToken.None);
        }
    }

    private string Name => name;

    private string Thaw => thaw;

    private TimeSpan Timeout => timeout;

    private TimeProvider Time => time;

    private TimeSpan Elapsed(long since) => time.GetElapsedTime(since);
}
