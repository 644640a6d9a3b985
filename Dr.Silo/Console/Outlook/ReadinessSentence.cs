using Dr.Silo.WebConsole.Text;

namespace Dr.Silo.WebConsole.Outlook;

/// <summary>
/// Says in one sentence whether everything can be taken over now, what would be lost and how long it would take. Pure. It never promises more than the
/// views hold: what is not known is called not known, and one system that cannot be taken over turns the answer to no.
/// </summary>
public static class ReadinessSentence
{
    public static Readiness Of(IReadOnlyList<SystemView> systems, DateTimeOffset now)
    {
        ArgumentNullException.ThrowIfNull(systems);
        if (systems.Count == 0)
        {
            return new Readiness { Tone = Tone.Bad, Verdict = "No system is configured, so nothing is protected." };
        }

        var outlooks = systems.Select(TakeoverOutlook.Of).ToList();
        var possible = outlooks.Where(o => o.Possible == true).ToList();
        var others = outlooks.Where(o => o.Possible != true).ToList();
        var underWay = systems.Select(s => UnderWay(s, now)).OfType<(int Rank, Tone Tone, string Text)>().OrderBy(u => u.Rank).ToList();
        return new Readiness
        {
            Tone = underWay.Select(u => u.Tone).Append(ToneOf(outlooks)).Max(),
            Verdict = Verdict(outlooks, possible, others),
            Cost = possible.Count == 0 ? null : $"{Loss(possible)} {Time(possible)}",
            UnderWay = underWay.Select(u => u.Text).ToList(),
        };
    }

    private static Tone ToneOf(List<TakeoverOutlook> outlooks) =>
        outlooks.Any(o => o.Possible == false && !IsPlanned(o.System)) ? Tone.Bad
        : outlooks.Any(o => o.Possible is null || o.LossAboveLimit || o.LossSeconds is null) ? Tone.Warning
        : Tone.Good;

    private static string Verdict(List<TakeoverOutlook> all, List<TakeoverOutlook> possible, List<TakeoverOutlook> others)
    {
        if (others.Count == 0)
        {
            return all.Count == 1
                ? $"Everything can be taken over now: {Name(all[0])} by {all[0].Destination}."
                : $"Everything can be taken over now: {(all.Count == 2 ? "both" : $"all {all.Count}")} systems.";
        }

        var reasons = string.Join(" ", others.OrderBy(o => o.Possible is null).Select(Trouble));
        return all.Count == 1 ? reasons
            : possible.Count == 0 ? $"{(others.All(o => o.Possible == false) ? "Nothing can be taken over now" : "Nothing is sure to be taken over now")}. {reasons}"
            : $"Only {possible.Count} of {all.Count} systems can be taken over now. {reasons}";
    }

    private static string Trouble(TakeoverOutlook o) => o.System.LiveRun is { State: RunState.Running } run
        ? $"{Words.Sentence(Name(o))} can be taken over again only after the {Words.Plain(run.Kind)} that is under way."
        : o.Possible == false ? $"{Words.Sentence(Name(o))} cannot be taken over now: {Words.Stop(o.Because!)}"
        : $"It is not known whether {Name(o)} can be taken over now: {Words.Stop(o.Because!)}";

    private static string Loss(List<TakeoverOutlook> possible)
    {
        var unknown = possible.Where(o => o.LossSeconds is null).ToList();
        if (unknown.Count > 0)
        {
            return possible.Count == 1 ? "How much work would be lost is not known." : $"How much work would be lost is not known for {Names(unknown)}.";
        }

        var worst = possible.MaxBy(o => o.LossSeconds)!;
        var over = possible.Where(o => o.LossAboveLimit).ToList();
        var text = worst.LossSeconds == 0 ? "No work would be lost"
            : $"About {Words.Duration(worst.LossSeconds!.Value)} of work would be lost{(possible.Count > 1 ? $" at worst, by {Name(worst)}" : "")}";
        return over.Count == 0
            ? $"{text}."
            : $"{text}; that is above the limit{(possible.Count > 1 ? $" of {Names(over)}" : $" of {Words.Duration(over[0].System.LossLimitSeconds!.Value)}")}, so a person must agree.";
    }

    private static string Time(List<TakeoverOutlook> possible)
    {
        var unknown = possible.Where(o => o.ForecastSeconds is null).ToList();
        if (unknown.Count > 0)
        {
            return $"How long it would take is not known before the first takeover{(possible.Count > 1 ? $" of {Names(unknown)}" : "")}.";
        }

        var slowest = possible.MaxBy(o => o.ForecastSeconds)!;
        return $"It would take about {Words.Duration(slowest.ForecastSeconds!.Value)}{(possible.Count > 1 ? $" for the slowest, {Name(slowest)}" : "")}.";
    }

    private static (int Rank, Tone Tone, string Text)? UnderWay(SystemView system, DateTimeOffset now)
    {
        if (system.LiveRun is { } run)
        {
            var what = $"{Words.Plain(run.Kind)} of {Name(system)} to {run.To}";
            return run.State switch
            {
                RunState.WaitingForApproval => (0, Tone.Bad, $"A person is needed: the {what} waits for approval{Until(system, now, "; its time is up")}."),
                RunState.OnTrial => (2, Tone.Warning, $"{Words.Sentence(Name(system))} serves at {run.To} on trial{Until(system, now, "; it commits by itself")}."),
                RunState.NeedsOperator => (0, Tone.Bad, $"A person is needed: the {what} has stopped{Reason(system)}"),
                RunState.Running => (1, Tone.Busy, $"The {what} is under way{(StepOf(system, run) is { } step ? $": {step.TrimEnd('.')}" : "")}."),
                _ => null,
            };
        }

        return system.Phase switch
        {
            "NeedsOperator" or "Diverged" => (0, Tone.Bad, $"A person is needed for {Name(system)}{Reason(system)}"),
            "Suspect" or "Deciding" => (1, Tone.Warning, $"{Words.Sentence(Name(system))} is being looked at{Reason(system)}"),
            "Held" => (3, Tone.Warning, $"Automation is off for {Name(system)}{Until(system, now, "; it comes back")}."),
            _ => null,
        };
    }

    /// <summary>What is being done right now, as the run's journal says it; the machine's own word for it before the first step.</summary>
    private static string? StepOf(SystemView system, RunView run) =>
        run.Steps.LastOrDefault(s => s.State == StepState.Intended)?.Intent is { Length: > 1 } intent ? char.ToLowerInvariant(intent[0]) + intent[1..] : system.Step;

    // Somebody chose to go through a time without a copy ready: that is under way, not trouble.
    private static bool IsPlanned(SystemView system) => system.LiveRun is { State: RunState.Running, Kind: not RunKind.Failover };

    private static string Reason(SystemView system) => system.Reason is { Length: > 0 } reason ? $": {Words.Stop(reason)}" : ".";

    private static string Until(SystemView system, DateTimeOffset now, string lead) =>
        system.Until is { } until ? $"{lead} {Words.Age(until, now)}" : "";

    private static string Name(TakeoverOutlook o) => o.ShortName;

    private static string Name(SystemView system) => TakeoverOutlook.ShortNameOf(system);

    private static string Names(List<TakeoverOutlook> outlooks) => Words.List(outlooks.Select(Name).ToList());
}
