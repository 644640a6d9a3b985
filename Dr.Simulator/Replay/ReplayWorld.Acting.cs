using Dr.Contracts.Grains;
using Dr.Silo.Decisions.Failover;
using Dr.Silo.Decisions.Repair;
using Dr.Simulator.World;

namespace Dr.Simulator.Replay;

/// <summary>Carries the machine's effects out in the world, and gives it the answers.</summary>
internal sealed partial class ReplayWorld
{
    private void Apply(SimSystem system, SystemEvent evt)
    {
        var before = system.State!;
        var transition = FailoverMachine.Apply(before, evt, Now);
        if (!transition.Applied)
        {
            return;
        }

        Transitions++;
        system.State = transition.Next;
        Audit.Add(transition.Audit!);
        if (system.Incident is { } incident)
        {
            incident.Tell(Now, transition.Audit!.Actor, $"{system.Id}: {before.Phase} → {transition.Next.Phase} ({transition.Audit.Rule}), epoch {transition.Next.Owner.Epoch}.");
        }

        if (transition.Next.Owner.Epoch < before.Owner.Epoch)
        {
            Violations.Add($"{system.Id}: the epoch fell.");
        }

        foreach (var effect in transition.Effects)
        {
            Carry(system, effect);
        }

        Settle(system, before.Phase);
    }

    private void Carry(SimSystem system, SystemEffect effect)
    {
        switch (effect)
        {
            case SystemEffect.RunStep step:
                Step(system, step);
                break;
            case SystemEffect.ClaimOwnership claim:
                _scheduler.After(_times.Ledger(), () => Claim(system, claim));
                break;
            case SystemEffect.StopLeases stop:
                _scheduler.After(TimeSpan.FromMilliseconds(1), () => Apply(system, new SystemEvent.LeasesStopped(stop.Run, system.LastLease)));
                break;
            case SystemEffect.ProbeOwner:
                ProbeLater(system);
                break;
            case SystemEffect.AssessTakeover assess:
                _scheduler.After(_times.Assess(), () => Assess(system, assess));
                break;
            case SystemEffect.RepairLocally:
                BeginRepair(system);
                break;
            case SystemEffect.RaiseAlert { Alert: AlertKey.WaitsForPerson } alert:
                AskPerson(system, alert.Text);
                break;
            case SystemEffect.RaiseAlert { Alert: AlertKey.LineTrouble }:
                ConsiderMove(system);
                break;
            case SystemEffect.RaiseAlert alert:
                system.Incident?.Tell(Now, "alert", $"{system.Id}: {alert.Text}");
                break;
            default:
                throw new InvariantException($"The model has no executor for {effect.Name}.");
        }
    }

    private void Claim(SimSystem system, SystemEffect.ClaimOwnership claim)
    {
        if (_ledger[system.Id] == claim.Expected)
        {
            _ledger[system.Id] = claim.Wanted;
        }

        Apply(system, _ledger[system.Id] == claim.Wanted ? new SystemEvent.OwnershipClaimed(claim.Run, claim.Wanted) : new SystemEvent.OwnershipMoved(_ledger[system.Id]));
    }

    private void Assess(SimSystem system, SystemEffect.AssessTakeover assess)
    {
        var age = CopyAge(system);
        var ready = _network.Reaches(Places.Control, system.At[assess.To].Host);
        var notYet = Turn(system);
        Apply(system, new SystemEvent.TakeoverAssessed(assess.Run, new Assessment
        {
            Loss = PredictedLoss.Between(null, system.Detector?.ArrivedAt, null, Now - age, Now, synchronous: false),
            PeerReady = ready,
            NotReady = ready ? null : "its host is not reachable",
            NotYet = notYet,
            InstanceRuns = system.At[assess.To].Works,
            At = Now,
            OwnerHeard = _network.Reaches(Places.Control, system.Owner.Host),
        }));
        if (notYet is not null)
        {
            LookAgain(system, assess);
        }

        if (system.State is { Phase: Phase.Fencing, Run: { Proof: not null, ClaimSent: false } })
        {
            // The last writes of an owner that stopped in order are on their way: looked at again until they are there.
            _scheduler.After(_times.Assess() + TimeSpan.FromMilliseconds(500), () =>
            {
                if (system.State is { Phase: Phase.Fencing, Run: { Proof: not null, ClaimSent: false } run } && run.Id == assess.Run)
                {
                    Assess(system, assess);
                }
            });
        }
    }

    private void Step(SimSystem system, SystemEffect.RunStep step)
    {
        var instance = system.At[step.Key.Target];
        var appliance = Places.ApplianceOf(step.Key.Target);
        var byHost = step.Executor == ExecutorKind.Host;
        if (!_network.Reaches(Places.Control, byHost ? instance.Host : appliance))
        {
            // Nobody answers; the machine's own deadlines have to cope with that.
            return;
        }

        if (step.Key.Step is StepKind.DigestCopy or StepKind.StartCopy && !SitesSeeEachOther)
        {
            // The last changes cannot arrive while no line is left.
            return;
        }

        var takes = step.Key.Step switch
        {
            StepKind.DemoteCopy => _times.Demote(),
            StepKind.PromoteCopy => _times.Promote(),
            StepKind.StartSystem => _times.Start(),
            StepKind.ApplyNetwork => _times.Repoint(),
            StepKind.DigestCopy => _times.Digest(),
            StepKind.StartCopy => TransferOf(system, Now - (system.TakenOverAt ?? Now)),
            _ => _times.Check(),
        };
        _scheduler.After(takes, () => Done(system, step, instance));
    }

    private void Done(SimSystem system, SystemEffect.RunStep step, Instance instance)
    {
        if (step.Epoch < _ledger[system.Id].Epoch)
        {
            Apply(system, new SystemEvent.StepFailed(step.Key, step.Attempt, "a higher epoch was seen", Fenced: true));
            return;
        }

        var evidence = StepEvidence.None;
        switch (step.Key.Step)
        {
            case StepKind.StopSystem:
                instance.Running = false;
                break;
            case StepKind.DemoteCopy:
                instance.GateOpen = false;
                evidence = new StepEvidence { Sequence = new SequenceNumber(++system.Sequence), Digest = $"digest-{system.Id}-{system.Sequence}" };
                break;
            case StepKind.DigestCopy:
                evidence = new StepEvidence { Sequence = new SequenceNumber(system.Sequence), Digest = $"digest-{system.Id}-{system.Sequence}" };
                break;
            case StepKind.PromoteCopy:
                Promote(system, instance);
                break;
            case StepKind.StartSystem:
                (instance.Running, instance.Hung) = (true, false);
                break;
            case StepKind.ApplyNetwork when step.Present:
                system.PointedAt = step.Key.Target;
                break;
            case StepKind.CheckSystem when !instance.Works:
                Apply(system, new SystemEvent.StepFailed(step.Key, step.Attempt, "the checks fail", Fenced: false));
                return;
            case StepKind.StartCopy:
                Apply(system, new SystemEvent.CopyCurrent(step.Epoch));
                return;
        }

        Count(system);
        if (!step.BestEffort)
        {
            Apply(system, new SystemEvent.StepDone(step.Key, evidence));
        }
    }

    private void Promote(SimSystem system, Instance instance)
    {
        var run = system.State!.Run!;
        if (run.Kind == RunPurpose.Failover && system.Incident is { } incident)
        {
            incident.DataLost = Losses[system.Id] = CopyAge(system);
        }

        var old = system.At[run.From];
        var lapsed = run.Proof is { Kind: FencingProofKind.LeaseLapsed };
        if (old != instance && old.GateOpen && !lapsed)
        {
            Violations.Add($"{system.Id}: promoted at {run.To} while the gate at {run.From} is open.");
        }

        old.GateOpen = false;
        instance.GateOpen = true;
    }

    /// <summary>What follows from reaching a phase: people and schedules.</summary>
    private void Settle(SimSystem system, Phase before)
    {
        var phase = system.State!.Phase;
        if (phase == before)
        {
            return;
        }

        // From here on the machine waits for its own steps: beats decide nothing any more.
        system.Watched &= phase is Phase.Protected or Phase.Suspect or Phase.Deciding;
        if (phase == Phase.OnTrial && system.Incident is { } incident)
        {
            (system.TakenOverAt, system.AwayFor) = (Now, incident);
            incident.HelpedBy(system.Id, system.State.Rules.Class == TakeoverClass.R ? Remedy.Repointed : Remedy.TakenOver);
            Count(system);
        }

        if (phase == Phase.FailbackReady && before == Phase.SwitchingBack && system.Incident is { } moved)
        {
            (system.TakenOverAt, system.AwayFor) = (Now, moved);
            moved.HelpedBy(system.Id, Remedy.Moved);
        }

        if (phase == Phase.FailbackReady)
        {
            // People bring it home in idle hours, when nobody notices.
            _scheduler.At(_hours.ClosingOf(Now) + TimeSpan.FromMinutes(30) is var tonight && tonight > Now ? tonight : Now, () => BringHome(system));
        }

        if (phase == Phase.Protected && before is Phase.SwitchingBack or Phase.Seeding)
        {
            system.AwayFor = null;
            Close(system);
        }

        if (phase == Phase.NeedsOperator)
        {
            _scheduler.After(_times.Person() * 2, () => Help(system));
        }

        _scheduler.At(system.State.WakeAt ?? Now, () => Wake(system));
    }

    private void Wake(SimSystem system)
    {
        if (system.State is { WakeAt: { } at } && Now >= at)
        {
            Apply(system, new SystemEvent.TimePassed());
        }

        if (system.Repair is { Pending: not null } repair)
        {
            var next = LocalRepair.TimePassed(repair, Now);
            if (next != repair)
            {
                Continue(system, next);
            }
        }
    }

    private void BringHome(SimSystem system)
    {
        if (system.State!.Phase == Phase.FailbackReady)
        {
            Apply(system, new SystemEvent.StartMove("operator", new RunId($"{system.Id}-home-{system.State.RunCount + 1}")));
        }
    }

    /// <summary>People repaired what was broken: the other side of a taken-over system is there again.</summary>
    private void AfterRepair(SimSystem system)
    {
        switch (system.State!.Phase)
        {
            case Phase.Protected:
                Close(system);
                break;
            case Phase.OnTrial:
                _scheduler.At((system.State.WakeAt ?? Now) + TimeSpan.FromSeconds(1), () => AfterRepair(system));
                break;
            case Phase.FailedOver:
                Apply(system, new SystemEvent.PeerReturned());
                break;
            case Phase.Held:
                Apply(system, new SystemEvent.Release("operator"));
                Close(system);
                break;
            case Phase.Suspect or Phase.Deciding:
                Apply(system, new SystemEvent.OwnerServes());
                Close(system);
                break;
            default:
                _scheduler.After(TimeSpan.FromMinutes(5), () => AfterRepair(system));
                break;
        }
    }

    /// <summary>A person at the console: approves when it would help those who are not served, declines when it cannot.</summary>
    private void AskPerson(SimSystem system, string why)
    {
        if (system.Incident is not { } incident || system.State!.Run is not { } run)
        {
            return;
        }

        if (run.Assessment?.NotYet == why)
        {
            // It only waits for its turn, or stays behind by the site's plan: nothing for a person to decide.
            return;
        }

        incident.Tell(Now, "alert", $"{system.Id}: a person has to decide. {why}");
        incident.PeopleAsked++;
        _asked.TryAdd(system.Id, why);
        _scheduler.After(_times.Person(), () =>
        {
            if (system.State!.Phase != Phase.Deciding || system.State.Run?.Id != run.Id)
            {
                return;
            }

            var helps = system.Users.Any(u => Places.Users[u.Group].Any(p => !Served(system, p) && _network.Reaches(p, system.At[run.To].Host)));
            Apply(system, helps
                ? new SystemEvent.Approve("operator", run.Id, system.State.Run.Assessment?.Loss.Age)
                : new SystemEvent.Decline("operator", run.Id, _hours.ClosingOf(Now) is var end && end > Now ? end : Now + TimeSpan.FromHours(1)));
        });
    }

    /// <summary>A line fails and a part of the users is cut off: a person moves the system, planned and without loss, when more of them would be served.</summary>
    private void ConsiderMove(SimSystem system)
    {
        if (system.Incident is not { } incident)
        {
            return;
        }

        incident.Tell(Now, "alert", $"{system.Id}: a line fails, {system.Unserved:P0} of its users are not served; a person is told.");
        incident.PeopleAsked++;
        _scheduler.After(_times.Person(), () =>
        {
            var gains = system.Users.Any(u => Places.Users[u.Group].Any(p => !Served(system, p) && _network.Reaches(p, system.At[Places.Other(system.Home)].Host)));
            // Told once; what a person decides now holds until the line is repaired.
            system.Watched = false;
            if (gains && system.State!.Phase == Phase.Protected)
            {
                Apply(system, new SystemEvent.StartMove("operator", new RunId($"{system.Id}-move-{system.State.RunCount + 1}")));
            }
        });
    }

    private void Help(SimSystem system)
    {
        if (system.State is not { Phase: Phase.NeedsOperator } state)
        {
            return;
        }

        Apply(system, state.Run is { Proof: not null, ClaimSent: false } weighed
            ? new SystemEvent.Approve("operator", weighed.Id, weighed.Assessment?.Loss.Age ?? PredictedLoss.Anything)
            : state.Run is { } run
            ? new SystemEvent.Retry("operator", run.Id)
            : new SystemEvent.Accept("operator", _ledger[system.Id]));
        if (system.State!.Phase == Phase.NeedsOperator)
        {
            _scheduler.After(TimeSpan.FromMinutes(10), () => Help(system));
        }
    }
}
