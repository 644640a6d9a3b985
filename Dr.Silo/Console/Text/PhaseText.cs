namespace Dr.Silo.WebConsole.Text;

/// <summary>A phase of the failover machine for people: a short label and what it means.</summary>
public sealed record PhaseText(string Label, string Meaning, Tone Tone)
{
    private static readonly Dictionary<string, PhaseText> Known = new(StringComparer.Ordinal)
    {
        ["Unprotected"] = new("Unprotected", "There is no complete copy at the other site.", Tone.Bad),
        ["Seeding"] = new("Seeding", "The copy at the other site is being made.", Tone.Warning),
        ["Protected"] = new("Protected", "Served at home; the other site follows with a complete copy.", Tone.Good),
        ["Suspect"] = new("Suspect", "The serving site is silent beyond its promise; probes and witnesses are being asked.", Tone.Warning),
        ["Deciding"] = new("Deciding", "The evidence is in; policy, predicted loss or a person decide.", Tone.Warning),
        ["Fencing"] = new("Fencing", "Waiting for proof that the old owner cannot write.", Tone.Busy),
        ["Promoting"] = new("Promoting", "Ownership has moved; the copy becomes the primary.", Tone.Busy),
        ["Starting"] = new("Starting", "The components start at the new site.", Tone.Busy),
        ["Repointing"] = new("Repointing", "The network is pointed to the new site.", Tone.Busy),
        ["Verifying"] = new("Verifying", "The new site is checked before it counts as serving.", Tone.Busy),
        ["OnTrial"] = new("On trial", "The new site serves; the old copy is kept as it was until this is committed.", Tone.Warning),
        ["FailedOver"] = new("Failed over", "The new site serves for good and nothing protects it yet.", Tone.Warning),
        ["Reversing"] = new("Reversing", "The differences are going back to the site that failed.", Tone.Busy),
        ["FailbackReady"] = new("Failback ready", "Served away from home; the home site follows with a complete copy.", Tone.Good),
        ["Draining"] = new("Draining", "Planned: the application stops and the store proves that writes have stopped.", Tone.Busy),
        ["FinalSync"] = new("Final sync", "Planned: last point and digest must be equal at both sites.", Tone.Busy),
        ["SwitchingBack"] = new("Switching", "Planned: ownership has moved; the destination starts.", Tone.Busy),
        ["DrillCloning"] = new("Drill: cloning", "A drill makes its clone; who owns the system does not change.", Tone.Busy),
        ["DrillStarting"] = new("Drill: starting", "A drill starts on its clone; who owns the system does not change.", Tone.Busy),
        ["DrillVerifying"] = new("Drill: verifying", "A drill checks its clone; who owns the system does not change.", Tone.Busy),
        ["DrillCleaning"] = new("Drill: cleaning", "A drill removes what it made.", Tone.Busy),
        ["Held"] = new("Held", "Automation is off by a person's order, with an end.", Tone.Warning),
        ["NeedsOperator"] = new("Needs a person", "Something is ambiguous or has run out of attempts: look at both views and choose.", Tone.Bad),
        ["Diverged"] = new("Diverged", "Both copies went on from a shared position; a person must settle which one counts.", Tone.Bad),
    };

    private static readonly PhaseText ProtectedWithoutData = new("Protected", "Served at home; the other site can serve it too.", Tone.Good);

    /// <summary>A phase that this page does not know is shown by its name.</summary>
    public static PhaseText Of(string phase, bool hasData = true) => !hasData && phase == "Protected" ? ProtectedWithoutData : Known.TryGetValue(phase, out var text) ? text : new(Words.Sentence(Words.Plain(phase)), "", Tone.Idle);
}
