namespace Dr.Edge.Host.Plan;

internal enum CheckVerdict
{
    Passed,

    /// <summary>No answer, or a wrong one, while the process is there.</summary>
    Missed,

    /// <summary>The process is not there.</summary>
    Gone,
}

internal sealed record CheckOutcome(CheckVerdict Verdict, string? Detail = null)
{
    public static CheckOutcome Passed(string? detail = null) => new(CheckVerdict.Passed, detail);

    public static CheckOutcome Missed(string detail) => new(CheckVerdict.Missed, detail);

    public static CheckOutcome Gone(string detail) => new(CheckVerdict.Gone, detail);
}

/// <summary>The health of one component as its checks tell it. Pure.</summary>
internal sealed record HealthTracker(HealthState State, DateTimeOffset Since, int Misses, string? Detail)
{
    public static HealthTracker Stopped(DateTimeOffset now) => new(HealthState.Stopped, now, 0, null);

    /// <summary>One missed check may be a hiccup: degraded. <paramref name="failAfter"/> in a row, or a process that is gone, is a failure.</summary>
    public HealthTracker Apply(CheckOutcome outcome, int failAfter, DateTimeOffset now)
    {
        var misses = outcome.Verdict == CheckVerdict.Passed ? 0 : Misses + 1;
        var next = outcome.Verdict switch
        {
            CheckVerdict.Passed => HealthState.Running,
            CheckVerdict.Gone => HealthState.Failed,
            _ when misses >= failAfter => HealthState.Failed,

            // What is starting up, or has failed, does not become better by failing once more.
            _ when State is HealthState.Starting or HealthState.Failed => State,
            _ => HealthState.Degraded,
        };
        return Move(next, outcome.Detail, now) with { Misses = misses };
    }

    /// <summary>To a state that is known without a check, for example when the component is being started or was stopped.</summary>
    public HealthTracker Move(HealthState next, string? detail, DateTimeOffset now) =>
        new(next, next == State ? Since : now, next == State ? Misses : 0, detail);

    /// <summary>A system is as healthy as its least healthy component.</summary>
    public static HealthState OfSystem(IEnumerable<HealthState> components)
    {
        HealthState[] worstFirst = [HealthState.Failed, HealthState.Degraded, HealthState.Starting, HealthState.Unknown, HealthState.Stopped, HealthState.Running];
        var present = components.ToHashSet();
        return present.Count == 0 ? HealthState.Unknown : worstFirst.First(present.Contains);
    }
}
