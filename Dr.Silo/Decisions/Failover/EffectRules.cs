using Dr.Contracts.Grains;

namespace Dr.Silo.Decisions.Failover;

/// <summary>The effects of the table.</summary>
internal static class EffectRules
{
    public static readonly EffectRule ProbeOwner = new(nameof(ProbeOwner), ExecutorKind.Observer,
        (s, _, now) => new SystemEffect.ProbeOwner(s.Owner.Site, now + Budgets.Probing));

    public static readonly EffectRule Assess = new(nameof(SystemEffect.AssessTakeover), ExecutorKind.Observer,
        (s, _, _) => new SystemEffect.AssessTakeover(s.Run!.Id, s.Run.From, s.Run.To));

    public static readonly EffectRule StopLeases = new(nameof(StopLeases), ExecutorKind.Leases,
        (s, _, _) => new SystemEffect.StopLeases(s.Run!.Id, s.Owner.Epoch));

    public static readonly EffectRule RepairLocally = new(nameof(RepairLocally), ExecutorKind.LocalRepair,
        (s, e, _) => new SystemEffect.RepairLocally(s.Owner.Site, s.Owner.Epoch, e is SystemEvent.Classified c ? string.Join(' ', c.Verdict.Reasons) : e.Name));

    public static readonly EffectRule Claim = new(nameof(SystemEffect.ClaimOwnership), ExecutorKind.Ledger,
        (s, _, _) => new SystemEffect.ClaimOwnership { Run = s.Run!.Id, Expected = s.Owner, Wanted = new Ownership(s.Run.Epoch, s.Run.To), Proof = s.Run.Proof! });

    /// <summary>Best effort: the losing site may be dead, and nothing on this path may wait for it.</summary>
    public static readonly EffectRule StopOldOwner = new(nameof(StopOldOwner), ExecutorKind.Host,
        (s, _, now) => Build(s, new StepKey(s.Run!.Id, StepKind.StopSystem, s.Run.From), 1, now) with { BestEffort = true });

    /// <summary>Beside the order to stop: whichever is proven first counts.</summary>
    public static readonly EffectRule FenceOldOwner = new(nameof(StepKind.FenceOwner), ExecutorKind.Host,
        (s, _, now) => Build(s, new StepKey(s.Run!.Id, StepKind.FenceOwner, s.Run.To), 1, now) with { BestEffort = true });

    public static readonly EffectRule TakeOldNetworkAway = new(nameof(TakeOldNetworkAway), ExecutorKind.Host,
        (s, _, now) => Build(s, new StepKey(s.Run!.Id, StepKind.ApplyNetwork, s.Run.From), 1, now) with { BestEffort = true, Present = false });

    public static readonly EffectRule CleanDrillAside = new(nameof(CleanDrillAside), ExecutorKind.Appliance,
        (s, _, now) => Build(s, new StepKey(s.FinishedRuns[^1], StepKind.CleanDrill, s.CopySite), 1, now) with { BestEffort = true });

    /// <summary>Outside a run: replication from the owner to the other site. Its end is <see cref="SystemEvent.CopyCurrent"/>.</summary>
    public static readonly EffectRule Copy = new(nameof(StepKind.StartCopy), ExecutorKind.Appliance,
        (s, _, now) => Build(s, new StepKey(new RunId($"{s.System}-protect-e{s.Owner.Epoch}"), StepKind.StartCopy, s.Owner.Site), 1, now));

    /// <summary>The pending step again, or the claim. Executors observe first, so an unknown outcome is asked for the same way.</summary>
    public static readonly EffectRule Resend = new(nameof(Resend), ExecutorKind.Appliance,
        (s, e, now) => s.Run is { ClaimSent: true, Claimed: false } || s.Run!.Pending is null ? Claim.Make(s, e, now) : Pending(s, now));

    public static EffectRule Step(StepKind step) => new(step.ToString(), SystemEffect.RunStep.ExecutorOf(step), (s, _, now) => Pending(s, now));

    public static EffectRule Alert(AlertKey key, bool critical, string text) => new($"Alert {key}", ExecutorKind.Alerts,
        (s, _, _) => new SystemEffect.RaiseAlert(key, critical, s.Run?.Trouble is { } trouble ? $"{text} {trouble}" : text));

    public static readonly EffectRule AskAfterProof = new($"Alert {AlertKey.WaitsForPerson}", ExecutorKind.Alerts,
        (s, e, _) => new SystemEffect.RaiseAlert(AlertKey.WaitsForPerson, true, $"The old owner is fenced, and nothing was taken over. {string.Join(' ', Guards.UnmetToClaim(s, e))}"));

    public static readonly EffectRule SecondPersonNeeded = Alert(AlertKey.WaitsForPerson, true, "A second person has to state that the old owner is off.");

    public static EffectRule AskPerson { get; } = new($"Alert {AlertKey.WaitsForPerson}", ExecutorKind.Alerts,
        (s, e, now) => new SystemEffect.RaiseAlert(AlertKey.WaitsForPerson, false, string.Join(' ', Guards.Unmet(s, e, now))));

    private static SystemEffect.RunStep Pending(SystemState s, DateTimeOffset now) => Build(s, s.Run!.Pending!, s.Run.Attempt, now);

    private static SystemEffect.RunStep Build(SystemState s, StepKey key, int attempt, DateTimeOffset now) => new()
    {
        Key = key,
        // Fencing steps carry the number to come: the old owner learns that it is no longer the one.
        Epoch = s.Run is { Kind: not RunPurpose.Drill } run ? run.Epoch : s.Owner.Epoch,
        Attempt = attempt,
        Deadline = now + Budgets.Of(s.Phase),
        Other = s.Rules.Other(key.Target),
        LeaseTtl = key.Step == StepKind.PromoteCopy ? s.Rules.LeaseTtl : null,
    };
}
