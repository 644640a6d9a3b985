using Dr.Contracts.Grains;
using Dr.Contracts.Ids;
using Dr.Contracts.Mqtt;
using Dr.Silo.Decisions.Failover;

namespace Dr.Silo.Tests.Decisions.Model;

/// <content>What devices, stores, ledger and lines do.</content>
internal sealed partial class FailoverModel
{
    private readonly Queue<SystemEffect.RunStep> _late = [];

    private void Pass(TimeSpan time)
    {
        Now += time;
        foreach (var store in _stores.Values)
        {
            foreach (var write in store.Answered(Now))
            {
                Answer(store, write);
            }
        }
    }

    private void Write(ModelStore store, int detail)
    {
        var takes = TimeSpan.FromMilliseconds(detail % 7 == 0 ? 1_900 : detail % 20);
        if (store.Begin(_writes + 1, Now, takes))
        {
            _writes++;
        }
    }

    /// <summary>Asks for a lease, as each beat does; the answer takes a moment, and may take long.</summary>
    private void Renew(int detail)
    {
        foreach (var (site, epoch, sent) in _grants)
        {
            if (_stores[site].Reaches && site != _cut)
            {
                _stores[site].Granted(epoch, sent, LeaseClock.DefaultTtl);
            }
        }

        _grants.Clear();
        foreach (var store in _stores.Values.Where(s => s.Site != _cut && s is { AsksForLease: true, Reaches: true, IsPrimary: true }))
        {
            if (_ledger.Site == store.Site && _ledger.Epoch == store.PrimaryEpoch && ((!_ledgerFences && LeaseClock.MayGrant(State, store.Site, store.PrimaryEpoch)) || _broken == Breakage.GrantsWhileFencing))
            {
                _lastGrant = Now;
                _grants.Add((store.Site, store.PrimaryEpoch, Now - TimeSpan.FromMilliseconds(detail % 200)));
            }
            else if (_ledger.Epoch > store.PrimaryEpoch)
            {
                store.SeeEpoch(_ledger.Epoch);
            }
        }

        if (Owner is { AsksForLease: true, Reaches: true, IsPrimary: true } asking && asking.Site != _cut)
        {
            Apply(new SystemEvent.LeaseHeard(asking.PrimaryEpoch, Asks: true));
        }
    }

    private void CopyOn()
    {
        if (_linked && Owner.Reaches && Copy.Reaches && Owner.IsPrimary && _copying == (Owner.Site, Owner.PrimaryEpoch))
        {
            Copy.Follow(Owner, Now);
        }
        else if (_linked && Owner.Reaches && Copy.Reaches && !Owner.IsPrimary && !Copy.IsPrimary && State.Phase is Phase.Fencing or Phase.FinalSync)
        {
            // What a store that was demoted still has goes over in peace.
            Copy.Content.UnionWith(Owner.Content);
        }
    }

    private void Observe()
    {
        Apply(new SystemEvent.CopyConfigured());
        var (owner, copy) = (_stores[State.Owner.Site], _stores[State.CopySite]);
        _heard.UnionWith(_stores.Values.Where(s => s.Reaches).Select(s => s.Site));
        if (copy.Reaches)
        {
            Apply(new SystemEvent.PeerReturned());
        }

        if (copy.Reaches && owner.Reaches && owner.IsPrimary && owner.PrimaryEpoch == State.Owner.Epoch && copy.CurrentAsOf is { } at && Now - at < TimeSpan.FromSeconds(3))
        {
            Apply(new SystemEvent.CopyCurrent(State.Owner.Epoch));
        }

        if (owner.Reaches && owner.IsPrimary && owner.Runs && State.Phase is Phase.Suspect)
        {
            Apply(new SystemEvent.OwnerServes());
        }

        AssessAgain();
        if (State is { Phase: Phase.Fencing or Phase.NeedsOperator, Run: { Proof: null, LeasesStopped: true } unproven } && owner.Reaches && owner.Site != _cut && !owner.IsPrimary && owner.Epoch >= unproven.Epoch)
        {
            Apply(new SystemEvent.FencingProven(unproven.Id, Runs.Proof(State, FencingProofKind.StoreRefuses, owner.Site.Value, null, Now)));
        }
    }

    private void AssessAgain()
    {
        if (State is { Phase: Phase.Fencing, Run: { Proof: not null, ClaimSent: false } run })
        {
            Apply(new SystemEvent.TakeoverAssessed(run.Id, Assess()));
        }
    }

    private Assessment Assess()
    {
        var (owner, copy) = (_stores[State.Owner.Site], _stores[State.CopySite]);
        var lostAt = ((!owner.Reaches || _cut == owner.Site) && _lease ? _lastGrant : Now) + LeaseClock.FencingWait(LeaseClock.DefaultTtl);
        lostAt = State.Run?.Proof is { } proof && proof.At < lostAt ? proof.At : lostAt;
        var isHeard = _heard.Contains(copy.Site);
        var last = State.Run?.Proof is { SaysWhatIsLast: true, LastSequence: { } at } ? at : (SequenceNumber?)null;
        return new Assessment
        {
            Loss = isHeard && last is { } l && (l.Value == 0 || copy.Content.Contains((int)l.Value)) ? PredictedLoss.None(l) : PredictedLoss.Between(null, null, null, isHeard ? copy.CurrentAsOf : null, lostAt, false),
            PeerReady = isHeard && copy.Reaches,
            At = Now,
            HearsSince = _hearsSince,
        };
    }

    private void DeliverAll()
    {
        for (var round = 0; round < 40 && _commands.Count + _effects.Count > 0; round++)
        {
            Deliver(0);
        }
    }

    /// <summary>Carries out one thing that is owed: what the control plane does itself at once, commands in any order and perhaps never.</summary>
    private void Deliver(int detail)
    {
        if (_effects.Count > 0)
        {
            var effect = _effects[0];
            _effects.RemoveAt(0);
            switch (effect)
            {
                case SystemEffect.RunStep:
                    _commands.Add((effect, 0));
                    break;
                case SystemEffect.ClaimOwnership claim:
                    Claim(claim);
                    break;
                case SystemEffect.StopLeases stop:
                    _ledgerFences = _ledger.Epoch == stop.Epoch;
                    Apply(new SystemEvent.LeasesStopped(stop.Run, _lastGrant));
                    break;
                case SystemEffect.AssessTakeover assess:
                    Apply(new SystemEvent.TakeoverAssessed(assess.Run, Assess()));
                    break;
            }
        }
        else if (_commands.Count > 0)
        {
            var index = detail % _commands.Count;
            var (effect, _) = _commands[index];
            _commands.RemoveAt(index);
            Execute((SystemEffect.RunStep)effect);
            _commands.Add((effect, 1));
            if (_commands.Count > 12)
            {
                _commands.RemoveAt(0);
            }

            _commands.RemoveAll(c => c.Times > 0 && detail % 2 == 0);
        }
    }

    /// <summary>A command that was carried out comes once more, late.</summary>
    private void Repeat(int detail)
    {
        if (_late.Count > 0)
        {
            Execute(_late.ElementAt(detail % _late.Count));
        }
    }

    private void Claim(SystemEffect.ClaimOwnership claim)
    {
        if (_ledger == claim.Expected || _broken == Breakage.LedgerDoesNotCompare)
        {
            claim.Wanted.Epoch.ShouldBeGreaterThan(_ledger.Epoch, "ownership epochs only grow");
            _epochsClaimed.Add(claim.Wanted.Epoch).ShouldBeTrue("one number was given twice");
            (_ledger, _ledgerFences) = (claim.Wanted, false);
        }

        Apply(_ledger == claim.Wanted ? new SystemEvent.OwnershipClaimed(claim.Run, claim.Wanted) : new SystemEvent.OwnershipMoved(_ledger));
    }

    private void Execute(SystemEffect.RunStep step)
    {
        var store = _stores[step.Key.Target];
        if (step.Key.Step == StepKind.FenceOwner)
        {
            var other = _stores[step.Other!.Value];
            if (store.Reaches && step.Epoch >= store.Epoch)
            {
                other.PowerOff();
                Apply(new SystemEvent.StepDone(step.Key, StepEvidence.None));
            }

            return;
        }

        if (!store.Reaches || store.Site == _cut)
        {
            return;
        }

        _late.Enqueue(step);
        if (_late.Count > 40)
        {
            _late.Dequeue();
        }

        if (!_results.TryGetValue(step.CommandId, out var result) || _broken == Breakage.StoreForgetsEpochs)
        {
            result = Do(store, step);
            if (result is not SystemEvent.StepFailed { Fenced: false })
            {
                _results[step.CommandId] = result;
            }
        }

        if (!step.BestEffort)
        {
            Apply(result);
        }
    }

    private SystemEvent Do(ModelStore store, SystemEffect.RunStep step)
    {
        SystemEvent Fenced() => new SystemEvent.StepFailed(step.Key, step.Attempt, "a higher epoch was seen", Fenced: true);
        SystemEvent Done(int? last = null) => new SystemEvent.StepDone(step.Key, new StepEvidence { Sequence = last is { } l ? new SequenceNumber(l) : null, Digest = last is null ? null : Digest(store) });
        if (step.Epoch < store.Epoch && !store.ForgetsEpochs)
        {
            return Fenced();
        }

        switch (step.Key.Step)
        {
            case StepKind.DemoteCopy:
                // The copy of before ends with it.
                return store.Demote(step.Epoch) is { } last ? Done(last) : Fenced();
            case StepKind.PromoteCopy:
                CheckPromotion(store, step);
                return store.Promote(step.Epoch, Now, step.LeaseTtl) ? Done() : Fenced();
            case StepKind.SyncCopy:
                if (!_linked || !_stores[step.Other!.Value].Reaches)
                {
                    return new SystemEvent.StepFailed(step.Key, step.Attempt, "the line is cut", Fenced: false);
                }

                // Once in a while the other side lacks one although nobody noticed: only the comparison finds that.
                var lacking = _lossyLine && _writes % 5 == 4 && store.Content.Count > 0 ? store.Content.Max() : -1;
                _stores[step.Other.Value].Content.UnionWith(store.Content.Where(w => w != lacking));
                _stores[step.Other.Value].Content.Remove(lacking);
                return Done(store.Content.Count == 0 ? 0 : store.Content.Max());
            case StepKind.StartCopy:
                _copying = (store.Site, step.Epoch);
                return Done();
            case StepKind.DigestCopy:
                return Done(store.Content.Count == 0 ? 0 : store.Content.Max());
            case StepKind.StartSystem:
                store.Runs = true;
                return Done();
            case StepKind.StopSystem:
                store.Runs = false;
                return Done();
            default:
                return Done();
        }
    }

    /// <summary>The control plane is killed: what was stored goes on, the lease clock begins anew, and what was heard is forgotten until it is said again.</summary>
    private void Restart()
    {
        _commands.RemoveAll(c => c.Times > 0);
        _heard.Clear();
        _hearsSince = Now;
        if (State.Run is { LeasesStopped: true, Claimed: false } stopped)
        {
            _lastGrant = _broken == Breakage.RestartForgetsGrants ? Now - TimeSpan.FromHours(1) : Now;
            _effects.Add(new SystemEffect.StopLeases(stopped.Id, State.Owner.Epoch));
        }

        if (_ledger != State.Owner)
        {
            Apply(State.Run is { ClaimSent: true } run && _ledger == new Ownership(run.Epoch, run.To) ? new SystemEvent.OwnershipClaimed(run.Id, _ledger) : new SystemEvent.OwnershipMoved(_ledger));
        }
    }

    private static string Digest(ModelStore store) => string.Join(',', store.Content.Order());
}
