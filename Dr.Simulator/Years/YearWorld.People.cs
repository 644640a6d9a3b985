using Dr.Contracts.Grains;
using Dr.Silo.Decisions.Failover;
using Dr.Simulator.World;

namespace Dr.Simulator.Years;

/// <content>People: they are called, take their time, look for themselves, and tell the truth.</content>
internal sealed partial class YearWorld
{
    private static readonly TimeSpan ComeAgain = TimeSpan.FromMinutes(20);

    private void AskPeople(YearMember member)
    {
        if (member.HelpAt is null && SiloUp && Wanted(member) is { } time)
        {
            var at = member.HelpAt = Now + time;
            _scheduler.At(at.Value, () => Come(member));
        }
    }

    /// <summary>After how long somebody comes; null = nobody is needed.</summary>
    private TimeSpan? Wanted(YearMember member) => member.State.Phase switch
    {
        Phase.Deciding => _times.Person(),
        Phase.NeedsOperator or Phase.Diverged => _times.Person() * 2,
        Phase.OnTrial => TimeSpan.FromMinutes(member.WillRollBack ? 3 : 5 + (35 * _chance.Next())),
        Phase.FailbackReady => TimeSpan.FromHours(0.5 + (8 * _chance.Next())),

        // Stopped by hand or by a fence device and nobody takes over: somebody starts it again.
        Phase.Protected or Phase.Unprotected or Phase.Seeding or Phase.Reversing or Phase.FailedOver when member.FailsSince is { } since && Now - since > TimeSpan.FromMinutes(10) => _times.Person(),
        _ => null,
    };

    private void Come(YearMember member)
    {
        member.HelpAt = null;
        if (!SiloUp || _ledgerAway > 0)
        {
            Touch(member);
            return;
        }

        WorkOut(member);
        if (Decide(member) is { } order)
        {
            Tell(member, $"a person: {order.Name}");
            member.Inbox.Enqueue(order);
            Pump(member);
            Touch(member);
            return;
        }

        if (Wanted(member) is null)
        {
            return;
        }

        // Nothing can be done yet: somebody looks in again.
        var again = member.HelpAt = Now + ComeAgain;
        _scheduler.At(again.Value, () => Come(member));
        Touch(member);
    }

    private SystemEvent? Decide(YearMember member)
    {
        var state = member.State;
        var owner = member.Owner;
        var peer = member.Nodes[1 - owner.Site];
        var serves = Works(member, owner);
        switch (state)
        {
            case { Phase: Phase.Deciding, Run: { } run } when serves && _sites[owner.Site].AccessCut == 0:
                return run.Automatic && _chance.Hits(0.3) ? new SystemEvent.Decline("operator", run.Id, Now + TimeSpan.FromMinutes(10)) : new SystemEvent.Abort("operator", run.Id);
            case { Phase: Phase.Deciding, Run: { } run }:
                return CouldServe(member, peer) && ReachesHost(peer) ? new SystemEvent.Approve("operator", run.Id, run.Assessment?.Loss.Age ?? PredictedLoss.Anything) : run.Automatic ? null : new SystemEvent.Abort("operator", run.Id);
            case { Phase: Phase.OnTrial, Run: { } run }:
                if (member.WillRollBack && CouldServe(member, member.Nodes[run.From == Places.ProductionSite ? 0 : 1]))
                {
                    member.WillRollBack = false;
                    return new SystemEvent.RollBack("operator", NewRun(member), "It is worse there.");
                }

                return serves ? new SystemEvent.Commit("operator", run.Id) : null;
            case { Phase: Phase.FailbackReady }:
                return CouldServe(member, peer) && serves && _active == 0 ? new SystemEvent.StartMove("operator", NewRun(member)) : null;
            case { Phase: Phase.Diverged }:
                return new SystemEvent.ResolveDivergence("operator");
            case { Phase: Phase.NeedsOperator }:
                return Help(member, state, owner, peer);
            default:
                StartByHand(member, owner);
                return null;
        }
    }

    private SystemEvent? Help(YearMember member, SystemState state, YearNode owner, YearNode peer)
    {
        if (state.Disputed is not null)
        {
            return new SystemEvent.Accept("operator", member.Ledger.Owner);
        }

        if (state.Run is not { } run)
        {
            StartByHand(member, owner);
            return !Works(member, owner) && _active == 0 && CouldServe(member, peer) && !CouldServe(member, owner) ? new SystemEvent.StartFailover("operator", NewRun(member), "It does not come back.") : null;
        }

        member.Helped = member.Helped.Run == run.Id ? (run.Id, member.Helped.Times + 1) : (run.Id, 1);
        var from = member.Nodes[run.From == Places.ProductionSite ? 0 : 1];
        var to = member.Nodes[run.To == Places.ProductionSite ? 0 : 1];
        if (run is { StoppedIn: Phase.Fencing, Proof: null })
        {
            if (IsOff(from))
            {
                // Two people have been there and pulled the plug: it stays off until it has heard of the next owner.
                return new SystemEvent.Attest(run.Attestation is null ? "wang" : "li", run.Id, "The rack is dark; I pulled the plug.");
            }

            return ReachesAppliance(from.Site) && CouldServe(member, from) && from.Site == owner.Site ? new SystemEvent.Abort("operator", run.Id) : null;
        }

        if (run is { Proof: not null, ClaimSent: false })
        {
            return CouldServe(member, to) ? new SystemEvent.Approve("operator", run.Id, run.Assessment?.Loss.Age ?? PredictedLoss.Anything)
                : CouldServe(member, from) ? new SystemEvent.Abort("operator", run.Id) : null;
        }

        if (run.StoppedIn == Phase.OnTrial)
        {
            // Without a run that could be gone on with: back, when there is something to go back to; else it is mended where it is.
            StartByHand(member, owner);
            return !CouldServe(member, owner) && CouldServe(member, from) && _active == 0 ? new SystemEvent.RollBack("operator", NewRun(member), "The new owner is lost.") : null;
        }

        if (run is { Claimed: false, ClaimSent: false } && member.Helped.Times > 2)
        {
            return new SystemEvent.Abort("operator", run.Id);
        }

        if (run.Claimed && to.Site == owner.Site)
        {
            // Trying again looks again; what has ended since it was started is started by hand.
            StartByHand(member, to);
        }

        return CouldServe(member, to) || member.Helped.Times % 5 == 0 ? new SystemEvent.Retry("operator", run.Id) : null;
    }

    /// <summary>Whoever stands before it sees that nothing there can write.</summary>
    private bool IsOff(YearNode node) => _sites[node.Site].Down > 0 || (node.HostDown > 0 && _sites[node.Site].ApplianceDown > 0);

    private bool CouldServe(YearMember member, YearNode node) =>
        _sites[node.Site] is { Down: 0 } site && node is { HostWorks: true, StorageLost: 0, DataDamaged: false } && (!member.System.HasVolume || site is { ApplianceWorks: true, DiskFull: 0 });

    /// <summary>A person starts it where the ledger says that it belongs.</summary>
    private void StartByHand(YearMember member, YearNode owner)
    {
        if (!Works(member, owner) && owner.HostWorks && _sites[owner.Site].Down == 0 && !owner.DataDamaged && MayStart(member, owner) && member.Ledger.Owner == member.State.Owner
            && (!member.System.HasVolume || owner.Volume.Own == member.Ledger.Owner.Epoch))
        {
            Tell(member, "a person starts it by hand");
            Change(member, () => (owner.Running, owner.Hung) = (true, false));
        }
    }
}
