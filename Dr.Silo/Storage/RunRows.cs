namespace Dr.Silo.Storage;

/// <summary>A row of <c>dr_run</c>.</summary>
internal sealed record RunRow
{
    public string Id { get; init; } = "";

    public string System { get; init; } = "";

    public string Kind { get; init; } = "";

    public string State { get; init; } = "";

    public string FromSite { get; init; } = "";

    public string ToSite { get; init; } = "";

    public long Epoch { get; init; }

    public string Actor { get; init; } = "";

    public string Reason { get; init; } = "";

    public long StartedAt { get; init; }

    public long? FinishedAt { get; init; }

    public string? Outcome { get; init; }

    public RunView ToView(IReadOnlyList<StepRecord> steps, IReadOnlyDictionary<string, string> facts) => new()
    {
        Id = new RunId(Id),
        System = new SystemId(System),
        Kind = Enum.Parse<RunKind>(Kind),
        State = Enum.Parse<RunState>(State),
        From = new SiteId(FromSite),
        To = new SiteId(ToSite),
        Epoch = new Epoch(Epoch),
        Actor = Actor,
        Reason = Reason,
        StartedAt = Clocks.FromStore(StartedAt),
        FinishedAt = Clocks.FromStore(FinishedAt),
        Outcome = Outcome,
        Steps = steps,
        Facts = facts,
    };
}

/// <summary>A row of <c>dr_run_step</c>.</summary>
internal sealed record StepRow
{
    public string Run { get; init; } = "";

    public string Step { get; init; } = "";

    public string Target { get; init; } = "";

    public long Ordinal { get; init; }

    public string Intent { get; init; } = "";

    public string State { get; init; } = "";

    public long Attempt { get; init; }

    public long Epoch { get; init; }

    public long StartedAt { get; init; }

    public long? FinishedAt { get; init; }

    public string? Detail { get; init; }

    public string Evidence { get; init; } = "{}";

    public StepRecord ToRecord() => new()
    {
        Step = Step,
        Target = Target,
        Intent = Intent,
        State = Enum.Parse<StepState>(State),
        Attempt = (int)Attempt,
        Epoch = new Epoch(Epoch),
        StartedAt = Clocks.FromStore(StartedAt),
        FinishedAt = Clocks.FromStore(FinishedAt),
        Detail = Detail,
        Evidence = FactsJson.Read(Evidence),
    };
}
