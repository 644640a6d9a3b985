namespace Dr.Edge.Host.Processes;

/// <summary>Starts programs that outlive the agent: in a session of their own, so that a signal to the agent's group does not reach them and theirs can be addressed as one.</summary>
internal static class DetachedProgram
{
    // The shell writes the id of the session's first process and ends; exec keeps that id through setpriv to the program itself.
    private const string Script = """log="$1"; shift; setsid "$@" </dev/null >>"$log" 2>&1 & echo $!""";

    /// <exception cref="DrException">It ended at once.</exception>
    public static async Task<ProcessMark> StartAsync(string program, IReadOnlyList<string> arguments, string log, CancellationToken cancellationToken)
    {
        var result = await ProgramRunner.RunAsync("/bin/sh", ["-c", Script, "sh", log, program, .. arguments], TimeSpan.FromSeconds(10), cancellationToken);
        result.Require($"Starting {program}");
        var id = int.Parse(result.Output.Trim(), CultureInfo.InvariantCulture);
        return ProcessTable.Find(id)?.Mark ?? throw new DrException($"{program} ended at once.", $"See {log}.");
    }

    /// <summary>The live processes of a session that <see cref="StartAsync"/> made; empty also when the id has come to belong to somebody else.</summary>
    public static IReadOnlyList<ProcessEntry> Members(ProcessMark leader)
    {
        // While a session has members, the kernel gives its id to no new process: a different start time means that the session is long over.
        return ProcessTable.Find(leader.Id) is { } now && now.StartTicks != leader.StartTicks ? [] : [.. ProcessTable.All().Where(p => p.Session == leader.Id)];
    }

    /// <summary>Asks the whole group to end, then kills it. Returns when no member is left.</summary>
    public static async Task EndAsync(ProcessMark leader, TimeSpan patience, TimeProvider time, CancellationToken cancellationToken)
    {
        SignalAll(leader, Signals.Terminate);
        if (await Waiting.UntilAsync(() => Members(leader).Count == 0, patience, time, cancellationToken))
        {
            return;
        }

        SignalAll(leader, Signals.Kill);
        if (!await Waiting.UntilAsync(() => Members(leader).Count == 0, TimeSpan.FromSeconds(10), time, cancellationToken))
        {
            throw new DrException($"Process {leader.Id} does not end, even when killed.", "It waits in the kernel for a device: see 'cat /proc/PID/stack'; a restart of the machine ends it for certain.");
        }
    }

    private static void SignalAll(ProcessMark leader, int signal)
    {
        foreach (var member in Members(leader))
        {
            Signals.Send(member.Id, signal);
        }
    }
}
