using Dr.Silo.WebConsole.Outlook;
using Dr.Silo.WebConsole.Text;

namespace Dr.Silo.WebConsole.Actions;

/// <summary>
/// Which orders make sense for a system as it is shown. Pure. Whether one is carried out is the admin API's decision alone; this only keeps buttons away
/// that could not mean anything.
/// </summary>
public static class OperatorActions
{
    public static IReadOnlyList<OperatorAction> For(SystemView system)
    {
        ArgumentNullException.ThrowIfNull(system);
        return system.Phase == nameof(Phase.Held) ? [Release(system)] : system.LiveRun is { } run ? ForRun(system, run) : ForSystem(system);
    }

    private static List<OperatorAction> ForSystem(SystemView system)
    {
        var outlook = TakeoverOutlook.Of(system);
        var atHome = system.Site == system.Home;
        var planned = atHome ? Move(system, outlook.Destination) : Failback(system);
        return system.Phase == nameof(Phase.Diverged) ? [Resolve(system), Hold(system)] : [planned, Failover(system, outlook), Hold(system), Force(system, outlook.Destination)];
    }

    private static List<OperatorAction> ForRun(SystemView system, RunView run)
    {
        List<OperatorAction> actions = [];
        if (run.State == RunState.WaitingForApproval)
        {
            actions.Add(Decide(system, run, "approve", "Approve", $"Approve the {Words.Plain(run.Kind)} of {system.Name} to {run.To}?", Tone.Warning,
            [
                $"The {Words.Plain(run.Kind)} goes on at once.",
                LossSentence(run.Facts.TryGetValue("predictedLossSeconds", out var text) && double.TryParse(text, CultureInfo.InvariantCulture, out var loss) ? loss : system.PredictedLossSeconds),
                $"{Words.Sentence(run.From.Value)} is fenced first: {run.To} is not promoted before there is proof that {run.From} cannot write.",
            ]));
        }

        if (run.State == RunState.WaitingForApproval)
        {
            actions.Add(Decide(system, run, "decline", "Do not take over", $"Leave {system.Name} where it is?", Tone.Idle,
            [
                $"The {Words.Plain(run.Kind)} ends, and nothing is taken over by itself for the time that you say.",
            ]) with { Duration = "1h" });
        }

        if (run is { Kind: RunKind.Failover, State: RunState.NeedsOperator or RunState.Running } && !run.Facts.ContainsKey("ownership") && !run.Facts.ContainsKey("fencingProof"))
        {
            actions.Add(Force(system, run.To));
        }

        if (run.State == RunState.NeedsOperator)
        {
            actions.Add(Decide(system, run, "approve", "Try again", $"Try the stopped step of the {Words.Plain(run.Kind)} again?", Tone.Warning,
            [
                $"The {Words.Plain(run.Kind)} of {system.Name} to {run.To} goes on with the step that it stopped at.",
                "Steps that are done are not done a second time.",
            ]));
        }

        if (run.State == RunState.OnTrial)
        {
            actions.Add(Decide(system, run, "commit", "Commit", $"Commit {system.Name} to {run.To}?", Tone.Good,
            [
                $"{Words.Sentence(run.To.Value)} serves for good and its copy is the truth from now on.",
                $"The old copy at {run.From} may then be brought up to date from {run.To}; what only {run.From} has is kept as a clone.",
            ]));
        }

        if (run.State == RunState.OnTrial)
        {
            actions.Add(Decide(system, run, "roll-back", "Roll back", $"Give up what {system.Name} wrote at {run.To} and return to {run.From}?", Tone.Bad,
            [
                $"{Words.Sentence(run.From.Value)} serves again with what it had when it failed.",
                $"What was written at {run.To} since then is no longer served; it is kept as a clone.",
            ]));
        }

        if (run.State is RunState.Running or RunState.WaitingForApproval or RunState.NeedsOperator)
        {
            actions.Add(Decide(system, run, "stop", "Stop", $"Stop the {Words.Plain(run.Kind)} of {system.Name}?", Tone.Idle,
            [
                "Before ownership has moved, everything stays where it was.",
                "After that point it cannot be stopped, and you are told so.",
            ]));
        }

        return actions;
    }

    private static OperatorAction Failover(SystemView system, TakeoverOutlook outlook) => new()
    {
        Verb = "failover",
        Label = $"Fail over to {outlook.Destination}",
        Url = "/api/v1/runs",
        System = system.Id,
        Kind = "failover",
        SeenEpoch = system.Epoch,
        Question = $"Fail {system.Name} over to {outlook.Destination}?",
        Tone = Tone.Bad,
        Attestation = $"{Words.Sentence(system.Site.Value)} has failed or must stop serving {system.Name} now.",
        Consequences =
        [
            $"For a disaster: {outlook.Destination} takes over with what it has, and work that had not arrived is lost.",
            LossSentence(outlook.LossSeconds),
            outlook.ForecastSeconds is { } seconds ? $"It takes about {Words.Duration(seconds)}." : "How long it takes is not known before the first takeover.",
            $"{Words.Sentence(system.Site.Value)} is fenced first: {outlook.Destination} is not promoted before there is proof that {system.Site} cannot write.",
        ],
    };

    private static OperatorAction Hold(SystemView system) => Order(system, "hold", "Hold", $"Hold automation of {system.Name}?", Tone.Idle,
    [
        "Nothing is taken over by itself before the time is over; what people order goes on.",
        "For maintenance of a whole machine, move the system away instead.",
    ]) with { Duration = "1h" };

    private static OperatorAction Release(SystemView system) => Order(system, "release", "Release", $"End the hold of {system.Name}?", Tone.Good, ["Automation decides again at once, also about what has happened meanwhile."]);

    private static OperatorAction Resolve(SystemView system) => Order(system, "resolve", "Let the other copy give way", $"Let the copy of {system.Name} that is not at {system.Site} give way?", Tone.Bad,
    [
        $"{Words.Sentence(system.Site.Value)} holds the present epoch and stays as it is.",
        "What only the other copy has is kept as a clone, and its copy starts anew.",
    ]);

    private static OperatorAction Force(SystemView system, SiteId destination) => Order(system, "force", "Take over by force", $"Take {system.Name} over at {destination} without proof that {system.Site} cannot write?", Tone.Bad,
    [
        "For a site that is destroyed or cut off for good, when nothing else proves that it cannot write.",
        "It takes two commanders, each signed in as themselves, within 15 minutes. Alone this does nothing but start the run.",
        $"If {system.Site} still writes, both sides go on separately, and what one of them has is lost to the other.",
    ]) with
    {
        SeenEpoch = system.Epoch,
        Statement = $"What you have seen or done yourself: {system.Site} is off, and how you know",
        Attestation = $"I state this as myself, and {system.Site} cannot write any more.",
    };

    private static OperatorAction Order(SystemView system, string verb, string label, string question, Tone tone, IReadOnlyList<string> consequences) => new()
    {
        Verb = verb,
        Label = label,
        Url = $"/api/v1/systems/{Uri.EscapeDataString(system.Id.Value)}/{verb}",
        System = system.Id,
        Question = question,
        Consequences = consequences,
        Tone = tone,
    };

    private static OperatorAction Move(SystemView system, SiteId destination) => new()
    {
        Verb = "move",
        Label = $"Move to {destination}",
        Url = "/api/v1/runs",
        System = system.Id,
        Kind = "move",
        SeenEpoch = system.Epoch,
        Question = $"Move {system.Name} to {destination}?",
        Consequences = Planned(system, destination),
    };

    private static OperatorAction Failback(SystemView system) => new()
    {
        Verb = "failback",
        Label = $"Fail back to {system.Home}",
        Url = "/api/v1/runs",
        System = system.Id,
        Kind = "failback",
        SeenEpoch = system.Epoch,
        Question = $"Bring {system.Name} home to {system.Home}?",
        Consequences = Planned(system, system.Home),
    };

    private static string[] Planned(SystemView system, SiteId destination) =>
    [
        $"Planned, loses nothing: {system.Name} stops at {system.Site}, both copies are proved equal, then it starts at {destination}.",
        "Users see a stop in between.",
        "Until ownership moves it can be stopped and nothing has changed.",
    ];

    private static OperatorAction Decide(SystemView system, RunView run, string verb, string label, string question, Tone tone, IReadOnlyList<string> consequences) => new()
    {
        Verb = verb,
        Label = label,
        Url = $"/api/v1/runs/{Uri.EscapeDataString(run.Id.Value)}/{verb}",
        System = system.Id,
        Question = question,
        Consequences = consequences,
        Tone = tone,
    };

    private static string LossSentence(double? seconds) => seconds switch
    {
        null => "How much work would be lost is not known.",
        0 => "No work is expected to be lost.",
        { } s => $"About {Words.Duration(s)} of work would be lost.",
    };
}
