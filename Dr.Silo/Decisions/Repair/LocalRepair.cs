namespace Dr.Silo.Decisions.Repair;

/// <summary>What is wrong inside the site, as the host reports it.</summary>
public enum LocalFault
{
    /// <summary>Processes are down or hang.</summary>
    Process,

    /// <summary>The machine itself is gone.</summary>
    Host,

    /// <summary>The storage path fails; the mirror has everything.</summary>
    Storage,

    /// <summary>Files or tables are damaged: restarting does not help, and every copy that follows has the damage too.</summary>
    Data,
}

public enum RepairStep
{
    /// <summary>Stop and start the components where they are.</summary>
    Restart,

    /// <summary>Start them on the site's standby host.</summary>
    SwitchHost,

    /// <summary>Use the mirror.</summary>
    SwitchStorage,

    /// <summary>Give the damaged part back from the newest point that passes its checks.</summary>
    RestoreFromPoint,

    /// <summary>Run every check.</summary>
    Check,
}

/// <summary>What the site has to help itself with.</summary>
[GenerateSerializer, Immutable, Alias("dr.LocalMeans")]
public sealed record LocalMeans([property: Id(0)] bool StandbyHost, [property: Id(1)] bool Mirror, [property: Id(2)] bool Points);

/// <summary>One repair inside a site. It never changes the epoch.</summary>
[GenerateSerializer, Immutable, Alias("dr.RepairState")]
public sealed record RepairState
{
    [Id(0)] public required LocalFault Fault { get; init; }

    [Id(1)] public required LocalMeans Means { get; init; }

    /// <summary>The step whose answer is awaited; null = it ended.</summary>
    [Id(2)] public RepairStep? Pending { get; init; }

    [Id(3)] public DateTimeOffset? Deadline { get; init; }

    [Id(4)] public IReadOnlyList<RepairStep> Tried { get; init; } = [];

    /// <summary>True when the site could not help itself.</summary>
    [Id(5)] public bool Exhausted { get; init; }

    [Id(6)] public string? Trouble { get; init; }

    public bool Repaired => Pending is null && !Exhausted;
}

/// <summary>
/// The small machine inside a site (R2, R24–R26): the least remedy first, each followed by the checks; a remedy whose checks fail gives way to the next.
/// </summary>
public static class LocalRepair
{
    public static RepairState Begin(LocalFault fault, LocalMeans means, DateTimeOffset now) =>
        Next(new RepairState { Fault = fault, Means = means }, now);

    /// <summary>The pending step answered. Answers to another step are late and change nothing.</summary>
    public static RepairState Answered(RepairState state, RepairStep step, bool succeeded, string? trouble, DateTimeOffset now)
    {
        ArgumentNullException.ThrowIfNull(state);
        if (state.Pending != step)
        {
            return state;
        }

        return (step, succeeded) switch
        {
            (RepairStep.Check, true) => state with { Pending = null, Deadline = null, Trouble = null },
            (_, true) => Await(state, RepairStep.Check, now),
            _ => Next(state with { Trouble = trouble }, now),
        };
    }

    /// <summary>A step that gives no answer in its time has failed.</summary>
    public static RepairState TimePassed(RepairState state, DateTimeOffset now)
    {
        ArgumentNullException.ThrowIfNull(state);
        return state is { Pending: { } step, Deadline: { } deadline } && now >= deadline
            ? Answered(state, step, succeeded: false, $"{step} gave no answer.", now)
            : state;
    }

    public static TimeSpan BudgetOf(RepairStep step) => step switch
    {
        RepairStep.Restart => TimeSpan.FromSeconds(60),
        RepairStep.SwitchHost => TimeSpan.FromSeconds(90),
        RepairStep.SwitchStorage => TimeSpan.FromSeconds(15),
        RepairStep.RestoreFromPoint => TimeSpan.FromMinutes(10),
        RepairStep.Check => TimeSpan.FromSeconds(30),
        _ => throw new ArgumentOutOfRangeException(nameof(step), step, "A repair step without a budget."),
    };

    private static RepairState Next(RepairState state, DateTimeOffset now)
    {
        foreach (var step in Ladder(state.Fault, state.Means))
        {
            if (!state.Tried.Contains(step))
            {
                return Await(state with { Tried = [.. state.Tried, step] }, step, now);
            }
        }

        return state with { Pending = null, Deadline = null, Exhausted = true };
    }

    private static RepairState Await(RepairState state, RepairStep step, DateTimeOffset now) => state with { Pending = step, Deadline = now + BudgetOf(step) };

    private static IEnumerable<RepairStep> Ladder(LocalFault fault, LocalMeans means)
    {
        if (fault == LocalFault.Storage && means.Mirror)
        {
            yield return RepairStep.SwitchStorage;
        }

        if (fault is LocalFault.Process or LocalFault.Data)
        {
            yield return RepairStep.Restart;
        }

        // A damaged file stays damaged on any host.
        if (fault is LocalFault.Process or LocalFault.Host && means.StandbyHost)
        {
            yield return RepairStep.SwitchHost;
        }

        if (fault is LocalFault.Data or LocalFault.Process && means.Points)
        {
            yield return RepairStep.RestoreFromPoint;
        }
    }
}
