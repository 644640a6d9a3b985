namespace Dr.Simulator.Years;

/// <summary>A year that broke a rule: its seed, and the fewest and shortest faults that still do.</summary>
internal sealed record BrokenYear(ulong Seed, YearViolationException Violation, IReadOnlyList<YearFault> Faults, int DrawnFaults)
{
    /// <summary>How to see it again.</summary>
    public string Command => $"dr-sim years --seed {Seed.ToString(CultureInfo.InvariantCulture)} --only {YearSelection.Write(Faults)}";
}

/// <summary>What came of many years. Independent of how many threads worked on it.</summary>
internal sealed class YearsSummary
{
    public int Years { get; set; }

    public long Events { get; set; }

    public long Transitions { get; set; }

    public long Faults { get; set; }

    public int Takeovers { get; set; }

    public int AutomaticTakeovers { get; set; }

    public int Moves { get; set; }

    public int Drills { get; set; }

    /// <summary>Systems that waited for a person at the end of a healed year.</summary>
    public int NeedingHelp { get; set; }

    public TimeSpan LongestLoss { get; set; }

    /// <summary>The years' hashes, in the order of their seeds.</summary>
    public ulong Hash { get; set; } = 14695981039346656037ul;

    public List<(ulong Seed, YearViolationException Violation)> Broken { get; } = [];

    public int FalseFailovers => Broken.Count(b => b.Violation.Rule == "no false site failover");
}

/// <summary>Plays years of consecutive seeds on all processors and adds them up in the order of their seeds.</summary>
internal static class YearsRun
{
    public static YearOutcome Play(DecisionCore core, YearDraw draw, ulong seed, CancellationToken cancellationToken = default) =>
        new YearWorld(core, seed, draw.Of(seed)).Run(cancellationToken);

    /// <param name="stopAtFirst">End with the first year that breaks a rule.</param>
    /// <param name="played">Told after each year, from any thread.</param>
    public static YearsSummary Run(DecisionCore core, YearDraw draw, ulong firstSeed, int count, int threads, Action<int>? played, CancellationToken cancellationToken, bool stopAtFirst = false)
    {
        var outcomes = new YearOutcome?[count];
        var faults = new int[count];
        using var stop = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        try
        {
            Parallel.For(0, count, new ParallelOptions { MaxDegreeOfParallelism = threads, CancellationToken = stop.Token }, n =>
            {
                var seed = firstSeed + (ulong)n;
                var year = draw.Of(seed);
                faults[n] = year.Count;
                outcomes[n] = new YearWorld(core, seed, year).Run(stop.Token);
                if (stopAtFirst && outcomes[n]!.Violation is not null)
                {
                    stop.Cancel();
                }

                played?.Invoke(n);
            });
        }
        catch (OperationCanceledException)
        {
            // What is done counts; the rest is not reported.
        }

        var summary = new YearsSummary();
        for (var n = 0; n < count; n++)
        {
            if (outcomes[n] is { } outcome)
            {
                Add(summary, firstSeed + (ulong)n, outcome, faults[n]);
            }
        }

        return summary;
    }

    private static void Add(YearsSummary summary, ulong seed, YearOutcome outcome, int faults)
    {
        summary.Years++;
        summary.Faults += faults;
        summary.Events += outcome.Events;
        summary.Transitions += outcome.Transitions;
        summary.Takeovers += outcome.Takeovers;
        summary.AutomaticTakeovers += outcome.AutomaticTakeovers;
        summary.Moves += outcome.Moves;
        summary.Drills += outcome.Drills;
        summary.NeedingHelp += outcome.NeedingHelp;
        summary.LongestLoss = outcome.LongestLoss > summary.LongestLoss ? outcome.LongestLoss : summary.LongestLoss;
        summary.Hash = (summary.Hash ^ outcome.Hash) * 1099511628211ul;
        if (outcome.Violation is { } violation)
        {
            summary.Broken.Add((seed, violation));
        }
    }
}
