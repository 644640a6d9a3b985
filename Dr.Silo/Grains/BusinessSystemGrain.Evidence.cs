using System.Data.Common;
using Dr.Silo.Decisions.Detection;
using Dr.Silo.Decisions.Failover;
using Dr.Silo.Decisions.Observing;

namespace Dr.Silo.Grains;

/// <summary>The finding at the end of a round of asking, and the evidence that is kept of it before anything acts on it.</summary>
internal sealed partial class BusinessSystemGrain
{
    private async Task<Verdict> FindAsync(SystemSite owner, ProbeSession probe, DateTimeOffset now)
    {
        var site = await GrainFactory.GetGrain<ISiteGrain>(owner.Site.Value).GetAsync();
        var facts = _watch.Facts(store.State.Settings!, store.State.Machine!, probe.Sent, probe.Answered, site, now) with { ObserverTroubled = probe.WasHeldUp || observer.Now.TrustedSince > probe.StartedAt, Shared = await SharedCauseAsync(owner) };
        var verdict = _watch.Classify(facts);
        _watch.EndProbing(verdict.Scope == FaultScope.Unjudged, facts.GateShutAt, now);
        return await KeepAsync(verdict, facts, probe.Suspects[0], now);
    }

    private async Task<SharedCauseView?> SharedCauseAsync(SystemSite owner)
    {
        try
        {
            return await GrainFactory.GetGrain<IFleetGrain>(IFleetGrain.Key).CauseOfAsync(owner.Host).WaitAsync(AskDeadline, time);
        }
        catch (Exception e) when (e is TimeoutException or OrleansException)
        {
            // Without it a mass of silences is only not recognised as one; witnesses are asked all the same, and a finding that waits here gets old.
            LogNoFleet(Id, e.Message);
            return null;
        }
    }

    /// <summary>The verdict with the bundle's name among its reasons, so that it is shown with every decision that rests on it.</summary>
    private async Task<Verdict> KeepAsync(Verdict verdict, SuspicionFacts facts, DeviceId suspect, DateTimeOffset now)
    {
        var presence = _watch.Seen.PresenceOf(suspect);
        var bundle = new EvidenceBundle
        {
            Id = $"{Id}.{now.ToUnixTimeMilliseconds()}",
            System = Id,
            At = now,
            Suspect = suspect,
            Epoch = store.State.Machine!.Owner.Epoch,
            Scope = verdict.Scope.ToString(),
            Reasons = verdict.Reasons,
            Kinds = verdict.Evidence.ToString(),
            IndependentKinds = verdict.IndependentKinds,
            Phi = presence?.Phi,
            LastHeard = presence?.LastHeard,
            ProbesSent = facts.ProbesSent,
            ProbesAnswered = facts.ProbesAnswered,
            Witnesses = [.. facts.Witnesses.Select(w => new WitnessView { Witness = w.Witness, Site = w.Site, Path = w.Path, Reachable = w.Reachable, TransactionFailed = w.TransactionFailed, At = w.At })],
            SiteDevices = facts.SiteDevices,
            SiteDevicesSilent = facts.SiteDevicesSilent,
            SharedCause = facts.Shared?.ToString(),
            ObserverTrustedSince = observer.Now.TrustedSince,
        };
        try
        {
            await evidence.AddAsync(bundle, CancellationToken.None);
            return verdict with { Reasons = [.. verdict.Reasons, $"Evidence {bundle.Id}."] };
        }
        catch (DbException e)
        {
            // The finding stands without its bundle; what it rests on is in its reasons.
            LogNoEvidence(Id, e.Message);
            return verdict;
        }
    }
}
