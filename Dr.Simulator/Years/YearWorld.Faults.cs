using Dr.Contracts.Grains;
using Dr.Silo.Decisions.Failover;

namespace Dr.Simulator.Years;

/// <content>What strikes, and how it is mended.</content>
internal sealed partial class YearWorld
{
    /// <summary>A machine whose clock has lost its battery: no deadline has passed for it.</summary>
    private static readonly TimeSpan DaysAgo = TimeSpan.FromDays(20);

    private void Strike(YearFault fault)
    {
        Tell(null, $"{fault}");
        var (member, site) = (_members[fault.System], _sites[fault.Site]);
        var node = member.Nodes[fault.Site];
        switch (fault.Kind)
        {
            case YearFaultKind.ProcessCrash:
                Lasting(member, fault, () => Serving(member).Running = false, () => { });
                break;
            case YearFaultKind.ProcessHang:
                Lasting(member, fault, () => Serving(member).Hung = true, () => { });
                break;
            case YearFaultKind.DataDamage:
                Lasting(member, fault, () => Array.ForEach(member.Nodes, n => n.DataDamaged = true), () => Array.ForEach(member.Nodes, n => n.DataDamaged = false));
                break;
            case YearFaultKind.StoragePath:
                Lasting(member, fault, () => node.StorageLost++, () => node.StorageLost--);
                break;
            case YearFaultKind.HostDown:
                Lasting(member, fault, () => Off(node), () => On(member, node));
                break;
            case YearFaultKind.HostFrozen:
                Lasting(member, fault, () => node.HostFrozen++, () => node.HostFrozen--);
                break;
            case YearFaultKind.AccessCut:
                Lasting(null, fault, () => site.AccessCut++, () => LetIn(site));
                break;
            case YearFaultKind.SiteLost:
                Lasting(null, fault, () => Lose(fault.Site), () => Regain(fault.Site));
                break;
            case YearFaultKind.BothLinesCut:
                Lasting(null, fault, () => (_copyLineCut, site.ControlCut, site.AccessCut) = (_copyLineCut + 1, site.ControlCut + 1, site.AccessCut + 1),
                    () =>
                    {
                        (_copyLineCut, site.ControlCut) = (_copyLineCut - 1, site.ControlCut - 1);
                        LetIn(site);
                    });
                break;
            case YearFaultKind.CopyLineCut:
                Lasting(null, fault, () => _copyLineCut++, () => _copyLineCut--);
                break;
            case YearFaultKind.ControlLineCut:
                Lasting(null, fault, () => site.ControlCut++, () => site.ControlCut--);
                break;
            case YearFaultKind.ApplianceDown:
                Lasting(null, fault, () => LoseAppliance(fault.Site), () => site.ApplianceDown--);
                break;
            case YearFaultKind.ApplianceFrozen:
                Lasting(null, fault, () => site.ApplianceFrozen++, () => Thaw(fault.Site, fault.Lasts));
                break;
            case YearFaultKind.DiskFull:
                Lasting(null, fault, () => site.DiskFull++, () => site.DiskFull--);
                break;
            case YearFaultKind.ClockWrong:
                var ahead = TimeSpan.FromSeconds((fault.System == 0 ? 1 : -1) * (fault.Lasts.TotalSeconds % 14_400));
                Lasting(null, fault, () => site.ClockAhead += ahead, () => site.ClockAhead -= ahead);
                break;
            case YearFaultKind.CopyDamaged:
                member.DigestWillDiffer = member.System.HasVolume;
                break;
            case YearFaultKind.SiloLost:
                KillSilo(fault.Lasts);
                break;
            case YearFaultKind.SiloInMidRun:
                (member.KillInMidRun, member.KillFor) = (true, fault.Lasts);
                break;
            case YearFaultKind.BrokerAway:
                Lasting(null, fault, () => _brokerAway++, () => (_brokerAway, _trustedSince) = (_brokerAway - 1, Now));
                break;
            case YearFaultKind.LedgerAway:
                Lasting(null, fault, () => _ledgerAway++, () => _ledgerAway--);
                break;
            case YearFaultKind.KiosksLie:
                Lasting(null, fault, () => _kiosksLie++, () => _kiosksLie--);
                break;
            case YearFaultKind.KiosksCut:
                Lasting(null, fault, () => _kiosksCut++, () => _kiosksCut--);
                break;
            case YearFaultKind.BadMessages:
                Lasting(null, fault, () => _badMessages++, () => _badMessages--);
                break;
            case YearFaultKind.OldMessages:
                Lasting(null, fault, () => site.ClockAhead -= DaysAgo, () => site.ClockAhead += DaysAgo);
                HandOver(fault.Site);
                break;
            case YearFaultKind.RollBack:
                member.WillRollBack = true;
                break;
            default:
                Order(member, fault);
                break;
        }
    }

    private void Lasting(YearMember? only, YearFault fault, Action strike, Action mend)
    {
        _active++;
        Trouble();
        Change(only, strike);
        _scheduler.After(fault.Lasts, () =>
        {
            Tell(null, $"#{fault.Number} is over");
            Change(only, mend);
            _active--;
            Trouble();
        });
    }

    private void LetIn(YearSite site) => (site.AccessCut, site.AccessCutUntil) = (site.AccessCut - 1, Now);

    private static YearNode Serving(YearMember member) => member.Nodes[member.PointedAt];

    private static void Off(YearNode node)
    {
        node.HostDown++;
        (node.Running, node.Hung) = (false, false);
    }

    /// <summary>A host that comes up starts by itself only what runs at both sites; what has a volume waits to be told.</summary>
    private static void On(YearMember member, YearNode node)
    {
        node.HostDown--;
        node.Boot++;
        node.Running |= node.HostDown == 0 && member.System.Settings.Class == TakeoverClass.R;
    }

    private void Lose(int site)
    {
        _sites[site].Down++;
        foreach (var member in _members)
        {
            (member.Nodes[site].Running, member.Nodes[site].Hung) = (false, false);
        }
    }

    private void Regain(int site)
    {
        _sites[site].Down--;
        foreach (var member in _members)
        {
            member.Nodes[site].Boot++;
            member.Nodes[site].Running |= member.System.Settings.Class == TakeoverClass.R && member.Nodes[site].HostDown == 0;
        }
    }

    /// <summary>A database whose disk is gone ends.</summary>
    private void LoseAppliance(int site)
    {
        _sites[site].ApplianceDown++;
        foreach (var member in _members)
        {
            member.Nodes[site].Running &= !(member.System.HasVolume && member.Nodes[site].Volume.IsPrimary);
        }
    }

    private void Thaw(int site, TimeSpan stoodFor)
    {
        _sites[site].ApplianceFrozen--;
        foreach (var member in _members)
        {
            var volume = member.Nodes[site].Volume;
            if (!_core.Edge.LeaseRunsWhileFrozen && volume.IsPrimary && member.System.Settings.Lease)
            {
                volume.LeaseUntil += stoodFor;
            }
        }
    }

    private void Order(YearMember member, YearFault fault)
    {
        if (!SiloUp || _ledgerAway > 0)
        {
            return;
        }

        WorkOut(member);
        var run = NewRun(member);
        SystemEvent order = fault.Kind switch
        {
            YearFaultKind.Move => new SystemEvent.StartMove("operator", run),
            YearFaultKind.Failover => new SystemEvent.StartFailover("operator", run, "practice"),
            YearFaultKind.Drill => new SystemEvent.StartDrill("operator", run),
            _ => new SystemEvent.Hold("operator", Now + fault.Lasts, "work"),
        };
        Outcome.Drills += order is SystemEvent.StartDrill ? 1 : 0;
        member.Inbox.Enqueue(order);
        Pump(member);
        Touch(member);
    }

    private static RunId NewRun(YearMember member) => new($"{member.System.Name}-order-{++member.Orders}");
}
