namespace Dr.Silo.Decisions.Detection;

/// <summary>
/// Tells a dead server from a cut line, a branch, a site and an application fault, by who can still reach whom. Pure; every finding carries its reasons.
/// </summary>
public static class SuspicionClassifier
{
    /// <summary>Older reports are about another moment.</summary>
    public static readonly TimeSpan FreshFor = TimeSpan.FromSeconds(30);

    /// <summary>Fewer distinct paths than this prove nothing about the suspect.</summary>
    public const int LeastPaths = 2;

    public static Verdict Classify(SuspicionFacts facts)
    {
        ArgumentNullException.ThrowIfNull(facts);
        return Weigh(facts) with { At = facts.Now };
    }

    private static Verdict Weigh(SuspicionFacts facts)
    {
        var fresh = facts.Witnesses.Where(w => facts.Now - w.At <= FreshFor && w.Witness != facts.Suspect).ToArray();
        var shut = GateIsShut(facts);
        var reach = fresh.Where(w => w.Reachable && !w.TransactionFailed && !shut).ToArray();
        var failing = fresh.Where(w => w.Reachable && w.TransactionFailed && !shut).ToArray();
        var doors = fresh.Where(w => w.Reachable && shut && w.At >= facts.GateShutAt).ToArray();
        var blind = fresh.Where(w => !w.Reachable).ToArray();
        var ours = Ours(facts);

        if (facts.OwnReportFailed)
        {
            var kinds = EvidenceKinds.OwnReport | (failing.Length > 0 ? EvidenceKinds.Witnesses : EvidenceKinds.None);
            return Finding(FaultScope.Application, kinds, "The host reports that the system does not work.", Say(failing, "get failed transactions"));
        }

        if (failing.Length > 0 && failing.Length >= reach.Length)
        {
            return Finding(FaultScope.Application, EvidenceKinds.Witnesses, Say(failing, "reach it but their transactions fail"), Say(reach, "are served"));
        }

        if (facts.ObserverTroubled)
        {
            return Finding(FaultScope.Unjudged, EvidenceKinds.None, "We had trouble of our own while asking (late ticks, or no broker): nobody is judged.");
        }

        if (facts.ProbesAnswered > 0)
        {
            return facts.ProbeTransactionFailed
                ? Finding(FaultScope.Application, EvidenceKinds.FailedProbes, "Our probe is answered but its transaction fails.")
                : Reached(facts, reach, blind);
        }

        if (!facts.Silent && !facts.PresenceKnown)
        {
            return Finding(FaultScope.Unjudged, EvidenceKinds.None, "We have not listened for long enough to know who is silent: nobody is judged.");
        }

        if (!facts.Silent)
        {
            return Reached(facts, reach, blind);
        }

        if (reach.Length > 0)
        {
            return Paths(blind.Where(w => !w.InsideSite)) >= LeastPaths && reach.All(w => w.InsideSite)
                ? Finding(FaultScope.Access, Access(facts), Say(blind, "outside cannot reach it"), Say(reach, "inside its site are served"))
                : Finding(FaultScope.Line, EvidenceKinds.Witnesses, "Silent to us, but its clients are served: the line is ours.", Say(reach, "are served"));
        }

        if (Paths([.. blind, .. doors]) < LeastPaths)
        {
            // Many silent at once, and nobody who says that the suspect is gone: one thing between us and them has failed.
            if (facts.Shared is { Kind: "broker" or "line" } shared)
            {
                return Finding(FaultScope.Line, ours, $"Many are silent at once: {shared}.");
            }

            return Finding(FaultScope.Unclear, ours | (blind.Length + doors.Length > 0 ? EvidenceKinds.Witnesses : EvidenceKinds.None), Silence(facts), $"Only {blind.Length + doors.Length} witness reports on too few paths.");
        }

        var scope = facts.SiteDevices > 0 && facts.SiteDevicesSilent == facts.SiteDevices ? FaultScope.Site : FaultScope.Device;
        return Finding(scope, ours | EvidenceKinds.Witnesses, Silence(facts), Say(blind, "cannot reach it"), Say(doors, "are let in where nobody is served any more: its serving lease has lapsed, and its copy hears nothing of it"),
            facts.SiteDevices > 0 ? $"{facts.SiteDevicesSilent} of {facts.SiteDevices} other devices of its site are silent." : null);
    }

    /// <summary>
    /// A silent owner whose lease has lapsed serves nobody, whatever still answers at its door: the kernel of a machine whose programs stand still accepts connections, and a database greets whoever comes though its
    /// disk hangs. From then on "reached" is not "served", and a witness only tells that we hear and that somebody stands there.
    /// <para>
    /// No false takeover comes of it. We have granted nothing since, the owner counts from before it asked, and nobody but us extends its lease (it said so itself, otherwise <see cref="SuspicionFacts.GateShutAt"/> is
    /// null): its volume refuses every write, and its host stops its components unless it stands still. That is the very proof on which the other side may be made writable, so who is left serves nobody, even if
    /// every witness lies. What it does not say is whether the owner stands still or only the line between it and us is cut, and may be whole in a moment: so the other site's copy must have lost it too, by the line
    /// between the sites, and at the same time. As ever, witnesses on <see cref="LeastPaths"/> lines must be heard, after the lapse, so that it is not we who are deaf; and one answer of its own to our probes ends it.
    /// </para>
    /// </summary>
    private static bool GateIsShut(SuspicionFacts facts) =>
        facts is { Silent: true, ProbesAnswered: 0, ProbesSent: > 0, OwnReportFailed: false, CopyHearsNothing: true, GateShutAt: { } at } && facts.Now >= at;

    /// <summary>The suspect is heard or answers: what remains is who cannot get to it.</summary>
    private static Verdict Reached(SuspicionFacts facts, WitnessReport[] reach, WitnessReport[] blind)
    {
        var outside = blind.Where(w => !w.InsideSite).ToArray();
        if (outside.Length == 0)
        {
            return Finding(FaultScope.None, EvidenceKinds.None, $"{facts.ProbesAnswered} of {facts.ProbesSent} probes are answered.");
        }

        var servedOutside = reach.Where(w => !w.InsideSite).ToArray();
        if (servedOutside.Length == 0 && Paths(outside) >= LeastPaths)
        {
            return Finding(FaultScope.Access, Access(facts), "It works, but nobody outside gets in.", Say(outside, "outside cannot reach it"));
        }

        return outside.Select(w => w.Site).Distinct().Count() == 1 && servedOutside.Length > 0
            ? Finding(FaultScope.Branch, EvidenceKinds.Witnesses, Say(outside, "cannot reach it"), Say(servedOutside, "outside are served"))
            : Finding(FaultScope.Line, EvidenceKinds.Witnesses, Say(outside, "cannot reach it"), Say(servedOutside, "outside are served"));
    }

    private static int Paths(IEnumerable<WitnessReport> who) => who.Select(w => w.Path).Distinct(StringComparer.Ordinal).Count();

    private static EvidenceKinds Access(SuspicionFacts facts) =>
        EvidenceKinds.Witnesses | (facts.SiteReportsAccessLost ? EvidenceKinds.OwnReport : EvidenceKinds.None);

    private static EvidenceKinds Ours(SuspicionFacts facts) =>
        (facts.Silent ? EvidenceKinds.MissedBeats : EvidenceKinds.None)
        | (facts.ProbesSent > 0 && facts.ProbesAnswered == 0 ? EvidenceKinds.FailedProbes : EvidenceKinds.None)
        | (facts.Will ? EvidenceKinds.Will : EvidenceKinds.None);

    private static string Silence(SuspicionFacts facts) => $"Silent beyond its promise; {facts.ProbesAnswered} of {facts.ProbesSent} probes are answered.";

    private static string? Say(WitnessReport[] who, string what) => who.Length == 0 ? null : $"{who.Length} witnesses {what} ({string.Join(", ", who.Take(5).Select(w => w.Witness.Value))}).";

    private static Verdict Finding(FaultScope scope, EvidenceKinds evidence, params IEnumerable<string?> reasons) =>
        new() { Scope = scope, Evidence = evidence, Reasons = [.. reasons.OfType<string>()] };
}
