using Dr.Contracts.Grains;
using Dr.Silo.Decisions.Failover;
using Dr.Simulator.World;

namespace Dr.Simulator.Years;

/// <content>Effects, commands and their answers; lost, late and twice when messages are bad.</content>
internal sealed partial class YearWorld
{
    private static readonly TimeSpan ResendAfter = TimeSpan.FromSeconds(5);
    private static readonly TimeSpan ExpiredAfter = TimeSpan.FromMinutes(1);
    private const int RoundsPerPump = 50;

    private void Pump(YearMember member)
    {
        for (var round = 0; round < RoundsPerPump && SiloUp && _ledgerAway == 0 && (member.Inbox.Count > 0 || member.Effects.Count > 0); round++)
        {
            while (member.Inbox.TryDequeue(out var evt))
            {
                Apply(member, evt);
                if (!SiloUp)
                {
                    return;
                }
            }

            while (member.Effects.Count > 0 && SiloUp)
            {
                var effect = member.Effects[0];
                if (!_core.LosesEffect(effect))
                {
                    CarryOut(member, effect);
                }

                if (member.KillInMidRun && effect is SystemEffect.ClaimOwnership or SystemEffect.RunStep && _chance.Hits(0.3))
                {
                    // Sent, and not yet noted that it was.
                    KillInMidRun(member, "sent", effect);
                    return;
                }

                if (member.Effects.Count > 0 && ReferenceEquals(member.Effects[0], effect))
                {
                    member.Effects.RemoveAt(0);
                }
            }
        }
    }

    private void KillInMidRun(YearMember member, string place, SystemEffect effect)
    {
        member.KillInMidRun = false;
        Tell(member, $"the control plane is killed: {effect.Name} {place}");
        KillSilo(member.KillFor);
    }

    private void CarryOut(YearMember member, SystemEffect effect)
    {
        switch (effect)
        {
            case SystemEffect.RunStep step:
                Send(member, step);
                break;
            case SystemEffect.ClaimOwnership claim:
                Claim(member, claim);
                break;
            case SystemEffect.StopLeases stop:
                WorkOut(member);
                member.Fencing = true;
                member.Ledger = member.Ledger.Owner.Epoch == stop.Epoch ? member.Ledger with { Fencing = true } : member.Ledger;
                member.Inbox.Enqueue(new SystemEvent.LeasesStopped(stop.Run, member.Watch.LastGrant));
                break;
            case SystemEffect.ProbeOwner probe:
                member.Watch.BeginProbing(member.System.Settings, member.State, probe.Until, Now);
                break;
            case SystemEffect.AssessTakeover assess:
                member.Inbox.Enqueue(new SystemEvent.TakeoverAssessed(assess.Run, member.Watch.Assess(member.System.Settings, member.State, Now)));
                break;
            case SystemEffect.RepairLocally repair:
                Repair(member, repair);
                break;
        }
    }

    private void Claim(YearMember member, SystemEffect.ClaimOwnership claim)
    {
        if (member.Ledger.Owner == claim.Expected || !_core.LedgerCompares)
        {
            Require(claim.Wanted.Epoch > member.Ledger.Owner.Epoch, member, "epochs only grow", $"the ledger goes from {member.Ledger.Owner.Epoch} to {claim.Wanted.Epoch}");
            Require(member.EpochsClaimed.Add(claim.Wanted.Epoch), member, "epochs only grow", $"epoch {claim.Wanted.Epoch} was given twice");
            WorkOut(member);
            member.Ledger = new LedgerEntry(claim.Wanted, Fencing: false, member.Granter);
            Refresh(member);
        }

        member.Inbox.Enqueue(member.Ledger.Owner == claim.Wanted ? new SystemEvent.OwnershipClaimed(claim.Run, claim.Wanted) : new SystemEvent.OwnershipMoved(member.Ledger.Owner));
    }

    /// <summary>Starting it where it is; what hangs is stopped and started. One in ten is not cured by that.</summary>
    private void Repair(YearMember member, SystemEffect.RepairLocally repair)
    {
        member.Watch.Repairing = true;
        var (watch, node, until) = (member.Watch, member.Nodes[repair.Site == Places.ProductionSite ? 0 : 1], Now + Budgets.Of(Phase.Starting) + ExpiredAfter);
        _scheduler.After(_times.Restart(), Attempt);

        void Attempt()
        {
            if (watch != member.Watch)
            {
                return;
            }

            var reached = ReachesHost(node) && _ledgerAway == 0;
            if (!reached && Now < until)
            {
                // The order waits for the host, or its answer for us.
                _scheduler.After(ResendAfter, Attempt);
                return;
            }

            if (!reached || member.State.Owner.Epoch != repair.Epoch)
            {
                // Nobody took the order, or it was about an owner of before.
                watch.Repairing = false;
                Touch(member);
                return;
            }

            var allowed = node.Seen <= repair.Epoch;
            if (allowed && !node.DataDamaged && node.StorageLost == 0 && MayStart(member, node) && _times.RestartCures())
            {
                Change(member, () => (node.Running, node.Hung) = (true, false));
            }

            watch.Repairing = false;
            member.Inbox.Enqueue(allowed && Works(member, node) ? new SystemEvent.OwnerServes() : new SystemEvent.LocalRepairExhausted("Starting it again failed."));
            Touch(member);
        }
    }

    private bool MayStart(YearMember member, YearNode node) =>
        !member.System.HasVolume || (node.Volume.IsPrimary && node.StorageLost == 0 && _sites[node.Site] is { ApplianceWorks: true, DiskFull: 0 });

    private void Send(YearMember member, SystemEffect.RunStep step)
    {
        if (!member.System.HasVolume && step.Key.Step == StepKind.StartCopy)
        {
            return;
        }

        if (!member.Outbox.Exists(c => c.Step.CommandId == step.CommandId))
        {
            var command = new YearCommand(step);
            member.Outbox.Add(command);
            Transmit(member, command);
        }
    }

    private void Transmit(YearMember member, YearCommand command)
    {
        command.SentAt = Now;
        var (step, node) = (command.Step, NodeOf(member, command.Step.Key.Target));
        if (!ControlReaches(node.Site))
        {
            Keep(member, step);
            return;
        }

        var works = DeviceWorks(step, node);
        if (!works || Lost())
        {
            Keep(member, step);

            // The broker keeps it for who is away, and may hand it over when nobody expects it any more.
            if (_chance.Hits(0.5))
            {
                _scheduler.After(TimeSpan.FromSeconds(30 * Math.Pow(500, _chance.Next())), () => Execute(member, step, node));
            }

            return;
        }

        _scheduler.After(Way(), () => Execute(member, step, node));
        if (_badMessages > 0 && _chance.Hits(0.25))
        {
            _scheduler.After(TimeSpan.FromSeconds(Math.Pow(3_000, _chance.Next())), () => Execute(member, step, node));
        }
    }

    /// <summary>What did not arrive stays with the broker; nobody knows for how long.</summary>
    private static void Keep(YearMember member, SystemEffect.RunStep step)
    {
        if (!member.Kept.Exists(k => k.CommandId == step.CommandId))
        {
            member.Kept.Add(step);
        }
    }

    /// <summary>Long after it was sent. A device that is heard has been told the present epoch before anything else: the configuration is retained.</summary>
    private void HandOver(int site)
    {
        foreach (var member in _members)
        {
            foreach (var step in member.Kept.ToArray())
            {
                var node = NodeOf(member, step.Key.Target);
                if (node.Site == site && ControlReaches(site) && DeviceWorks(step, node))
                {
                    member.Kept.Remove(step);
                    _scheduler.After(_times.Latency(), () => Execute(member, step, node));
                }
            }
        }
    }

    private void Resend(YearMember member)
    {
        for (var n = 0; n < member.Outbox.Count; n++)
        {
            var command = member.Outbox[n];
            if (Now > command.Step.Deadline + ExpiredAfter)
            {
                member.Outbox.RemoveAt(n--);
                member.Inbox.Enqueue(new SystemEvent.StepFailed(command.Step.Key, command.Step.Attempt, "No answer came before the deadline.", Fenced: false));
            }
            else if (Now - command.SentAt > ResendAfter)
            {
                Transmit(member, command);
            }
        }
    }

    private static YearNode NodeOf(YearMember member, SiteId site) => member.Nodes[site == Places.ProductionSite ? 0 : 1];

    private bool DeviceWorks(SystemEffect.RunStep step, YearNode node) => step.Executor == ExecutorKind.Appliance ? _sites[node.Site].ApplianceWorks : _sites[node.Site].Down == 0 && node.HostWorks;

    private bool Lost()
    {
        var lost = _badMessages > 0 && _chance.Hits(0.25);
        if (lost)
        {
            Trouble();
        }

        return lost;
    }

    private TimeSpan Way() => _badMessages > 0 && _chance.Hits(0.2) ? TimeSpan.FromSeconds(20 * _chance.Next()) : _times.Latency();

    private void Execute(YearMember member, SystemEffect.RunStep step, YearNode node)
    {
        if (!DeviceWorks(step, node) || node.UnderWay.Contains(step.CommandId))
        {
            return;
        }

        if (_core.Edge.RemembersResults && node.Results.TryGetValue(step.CommandId, out var known))
        {
            Answer(member, step, node, known);
            return;
        }

        if (_core.Edge.ChecksDeadline && Now + _sites[node.Site].ClockAhead > step.Deadline)
        {
            Answer(member, step, node, new SystemEvent.StepFailed(step.Key, step.Attempt, "It came after its deadline.", Fenced: false));
            return;
        }

        node.UnderWay.Add(step.CommandId);
        var takes = step.Key.Step switch
        {
            StepKind.DemoteCopy => _times.Demote(),
            StepKind.PromoteCopy => _times.Promote(),
            StepKind.StartSystem => _times.Start(),
            StepKind.ApplyNetwork => _times.Repoint(),
            StepKind.DigestCopy => _times.Digest(),
            StepKind.SyncCopy => _times.MirrorSwitch(),
            _ => _times.Check(),
        };
        _scheduler.After(takes, () =>
        {
            node.UnderWay.Remove(step.CommandId);
            if (!DeviceWorks(step, node))
            {
                return;
            }

            WorkOut(member);
            var result = Do(member, step, node);
            if (result is not SystemEvent.StepFailed { Fenced: false })
            {
                Require(!node.Results.ContainsKey(step.CommandId) || result is SystemEvent.StepFailed, member, "the same command twice is once", $"{step.CommandId} was carried out twice");
                node.Results[step.CommandId] = result;
            }

            Tell(member, $"{step.Key.Step} at {step.Key.Target}, epoch {step.Epoch}: {(result is SystemEvent.StepFailed f ? f.Reason : "done")}");
            Refresh(member);
            Answer(member, step, node, result);
        });
    }

    private SystemEvent Do(YearMember member, SystemEffect.RunStep step, YearNode node)
    {
        var (volume, edge) = (node.Volume, _core.Edge);
        var byAppliance = step.Executor == ExecutorKind.Appliance;
        var seen = byAppliance ? volume.Seen : node.Seen;
        if (edge.ChecksEpoch && step.Epoch < seen)
        {
            return new SystemEvent.StepFailed(step.Key, step.Attempt, "A higher epoch was seen.", Fenced: true);
        }

        Require(step.Epoch >= seen, member, "a lower epoch never acts", $"{step.Key.Step} at {step.Key.Target} under epoch {step.Epoch}, and {seen} was seen there");
        if (!byAppliance)
        {
            node.Seen = step.Epoch;
        }

        SystemEvent Done(SequenceNumber? at = null, string? digest = null) => new SystemEvent.StepDone(step.Key, at is null ? StepEvidence.None : new StepEvidence { Sequence = at, Digest = digest });
        SystemEvent Failed(string why, bool fenced = false) => new SystemEvent.StepFailed(step.Key, step.Attempt, why, fenced);
        var other = member.Nodes[1 - node.Site];
        switch (step.Key.Step)
        {
            case StepKind.StopSystem:
                node.Running = false;
                return Done();
            case StepKind.DemoteCopy:
                return volume.Demote(step.Epoch, edge.ChecksEpoch) ? Done(new SequenceNumber(volume.Sequence), volume.Digest) : Failed("It serves under this number, or has seen a higher one.", fenced: true);
            case StepKind.PromoteCopy:
                CheckPromotion(member, step, node);
                return volume.Promote(step.Epoch, step.LeaseTtl is { } ttl ? Now + (ttl * (1 + DriftOf(node.Site))) : null, edge.ChecksEpoch) ? Done() : Failed("A higher epoch was seen.", fenced: true);
            case StepKind.StartSystem:
                if (!MayStart(member, node))
                {
                    return Failed("Its volume cannot be written.");
                }

                (node.Running, node.Hung) = (true, false);
                return Done();
            case StepKind.ApplyNetwork:
                member.PointedAt = step.Present ? node.Site : member.PointedAt;
                return Done();
            case StepKind.CheckSystem:
                return Works(member, node) ? Done() : Failed("The checks fail.");
            case StepKind.FenceOwner:
                SwitchOff(member, other);
                return Done();
            case StepKind.StartCopy:
                if (!volume.IsPrimary || volume.Own != step.Epoch)
                {
                    return Failed("It is not the primary of this epoch.");
                }

                (member.Copying, member.CopyDue, member.CopyLostAt) = member.Copying == (node.Site, step.Epoch) ? (member.Copying, member.CopyDue, member.CopyLostAt) : ((node.Site, step.Epoch), null, null);
                return Done();
            case StepKind.SyncCopy:
                if (edge.SyncWaits && (!Linked || other.Volume.Seen > step.Epoch || other.Volume.IsPrimary))
                {
                    return Failed("The other side cannot be reached.");
                }

                if (edge.SyncWaits)
                {
                    other.Volume.Follow(volume, YearVolume.Forever);
                }

                return Done(new SequenceNumber(volume.Sequence));
            case StepKind.DigestCopy:
                volume.Damaged = member.DigestWillDiffer;
                member.DigestWillDiffer = false;
                var digest = volume.Digest;
                volume.Damaged = false;
                return Done(new SequenceNumber(volume.Sequence), digest);
            case StepKind.StartDrill or StepKind.CheckDrill when _chance.Hits(0.1):
                return Failed("The drill goes wrong.");
            default:
                return Done();
        }
    }

    /// <summary>The fence device cuts the power; people switch the machine on again.</summary>
    private void SwitchOff(YearMember member, YearNode node)
    {
        _active++;
        node.HostDown++;
        (node.Running, node.Hung) = (false, false);
        _scheduler.After(TimeSpan.FromMinutes(30), () => Change(member, () =>
        {
            _active--;
            Trouble();
            node.HostDown--;
            node.Boot++;
        }));
    }

    private void Answer(YearMember member, SystemEffect.RunStep step, YearNode node, SystemEvent result)
    {
        if (!ControlReaches(node.Site) || Lost())
        {
            return;
        }

        _scheduler.After(Way(), () =>
        {
            // Without the database the answer is not taken in, and the command is sent again later.
            var at = member.Outbox.FindIndex(c => c.Step.CommandId == step.CommandId);
            if (!SiloUp || _brokerAway > 0 || _ledgerAway > 0 || at < 0)
            {
                return;
            }

            member.Outbox.RemoveAt(at);
            member.Inbox.Enqueue(result);
            Look(member);
        });
    }
}
