using Dr.Silo.Decisions.Detection;
using Dr.Simulator.World;

namespace Dr.Simulator.Detection;

/// <summary>One way of trying the detector.</summary>
internal sealed record TrialPlan
{
    public required TimeSpan Period { get; init; }

    public required TimeSpan Alpha { get; init; }

    public required LinkQuality Link { get; init; }

    /// <summary>Devices send up to this share of the period before their promise ends.</summary>
    public double Jitter { get; init; } = 0.1;

    /// <summary>The observer looks this often, so a suspicion is noticed that much later at the most.</summary>
    public TimeSpan Tick { get; init; } = TimeSpan.FromSeconds(1);

    public int Beats { get; init; } = 100_000;

    public int Kills { get; init; } = 2_000;
}

/// <summary>What was seen.</summary>
internal sealed record TrialResult(TimeSpan Followed, long Mistakes, TimeSpan MistakenFor, IReadOnlyList<double> DetectionSeconds)
{
    public double Accuracy => 1 - (MistakenFor / Followed);

    public double Percentile(double share) => DetectionSeconds[Math.Clamp((int)Math.Ceiling(share * DetectionSeconds.Count) - 1, 0, DetectionSeconds.Count - 1)];
}

/// <summary>
/// Beats over a bad line through the silo's own detector: a Monte Carlo of its quality, to hold the formulas and the table of classes against. Same seed, same figures.
/// </summary>
internal static class DetectorTrial
{
    private static readonly DateTimeOffset Start = new(2026, 1, 1, 0, 0, 0, TimeSpan.Zero);

    /// <summary>Beats before a stop, so that the window is full.</summary>
    private const int BeforeKill = 40;

    public static TrialResult Run(TrialPlan plan, ulong seed)
    {
        var chance = new Chance(seed);
        var (mistakes, mistaken, followed) = Follow(plan, chance.For("beats"));
        var kills = chance.For("kills");
        var times = Enumerable.Range(0, plan.Kills).Select(_ => Kill(plan, kills)).Order().ToArray();
        return new TrialResult(followed, mistakes, mistaken, times);
    }

    /// <summary>A device that never stops: whatever is suspected is a mistake.</summary>
    private static (long Mistakes, TimeSpan For, TimeSpan Followed) Follow(TrialPlan plan, Chance chance)
    {
        DetectorState? state = null;
        var (mistakes, mistaken) = (0L, TimeSpan.Zero);
        var first = DateTimeOffset.MaxValue;
        foreach (var (beat, at) in Arrivals(plan, plan.Beats, chance))
        {
            if (state is not null && FailureDetector.Deadline(state, plan.Alpha) is var deadline && at > deadline)
            {
                (mistakes, mistaken) = (mistakes + 1, mistaken + (at - deadline));
            }

            state = FailureDetector.Heard(state, beat, at);
            first = at < first ? at : first;
        }

        return (mistakes, mistaken, state!.ArrivedAt - first);
    }

    /// <summary>Seconds from a stop at a random moment to the suspicion.</summary>
    private static double Kill(TrialPlan plan, Chance chance)
    {
        var beats = Arrivals(plan, BeforeKill, chance).ToArray();
        var last = beats.Max(b => b.Beat.SentAt);
        var stopped = last + (plan.Period * chance.Next());
        DetectorState? state = null;
        foreach (var (beat, at) in beats)
        {
            state = FailureDetector.Heard(state, beat, at);
        }

        // The observer's ticks have a phase of their own.
        var deadline = FailureDetector.Deadline(state!, plan.Alpha);
        return (deadline - stopped).TotalSeconds + (plan.Tick.TotalSeconds * chance.Next());
    }

    /// <summary>Beats in the order of their arrival.</summary>
    private static IEnumerable<(Beat Beat, DateTimeOffset At)> Arrivals(TrialPlan plan, int count, Chance chance)
    {
        var floor = plan.Link.MeanDelayMs - plan.Link.DeviationMs;
        var under = new PriorityQueue<Beat, DateTimeOffset>();
        var sent = Start;
        for (var i = 1; i <= count; i++)
        {
            if (!chance.Hits(plan.Link.Loss))
            {
                var beat = new Beat { Sequence = i, BootId = "b", DeviceEpoch = 1, NextDueMs = (int)plan.Period.TotalMilliseconds, HourClass = HourClass.Busy, SentAt = sent };
                under.Enqueue(beat, sent.AddMilliseconds(floor + chance.Exponential(plan.Link.DeviationMs)));
            }

            sent += plan.Period * (1 - (plan.Jitter * chance.Next()));
            while (under.TryPeek(out _, out var due) && (due <= sent.AddMilliseconds(floor) || i == count))
            {
                under.TryDequeue(out var beat, out due);
                yield return (beat!, due);
            }
        }
    }
}
