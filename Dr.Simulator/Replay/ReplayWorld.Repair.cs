using Dr.Contracts.Grains;
using Dr.Silo.Decisions.Failover;
using Dr.Silo.Decisions.Repair;
using Dr.Simulator.World;

namespace Dr.Simulator.Replay;

/// <summary>Repair inside the site: the small machine's steps, carried out.</summary>
internal sealed partial class ReplayWorld
{
    private void BeginRepair(SimSystem system)
    {
        if (system.Repair is { Pending: not null } || system.Incident is not { } incident)
        {
            return;
        }

        var owner = system.Owner;
        var fault = (_network.IsUp(owner.Host), owner) switch
        {
            (false, _) => LocalFault.Host,
            (_, { StorageLost: true }) => LocalFault.Storage,
            (_, { DataDamaged: true }) => LocalFault.Data,
            _ => LocalFault.Process,
        };
        incident.Tell(Now, "local repair", $"{system.Id}: {fault} fault; {(system.Means.StandbyHost ? "a standby host" : "no standby host")}.");
        Continue(system, LocalRepair.Begin(fault, system.Means, Now));
    }

    private void Continue(SimSystem system, RepairState repair)
    {
        system.Repair = repair;
        if (repair.Exhausted)
        {
            system.Incident?.Tell(Now, "local repair", $"{system.Id}: nothing left to try. {repair.Trouble}");
            Apply(system, new SystemEvent.LocalRepairExhausted(repair.Trouble ?? "Nothing left to try inside the site."));
            return;
        }

        if (repair.Pending is not { } step)
        {
            system.Incident?.Tell(Now, "local repair", $"{system.Id}: serves again.");
            system.Watched = false;

            // What happens later today is another fault's.
            Close(system);
            return;
        }

        var takes = step switch
        {
            RepairStep.Restart => _times.Restart(),
            RepairStep.SwitchHost => _times.StandbyStart(),
            RepairStep.SwitchStorage => _times.MirrorSwitch(),
            RepairStep.RestoreFromPoint => _times.Restore(),
            _ => _times.Check(),
        };
        _scheduler.After(takes, () => RepairDone(system, step));
    }

    private void RepairDone(SimSystem system, RepairStep step)
    {
        if (system.Repair is not { } repair || repair.Pending != step || system.Incident is not { } incident)
        {
            return;
        }

        var owner = system.Owner;
        switch (step)
        {
            case RepairStep.Restart when !owner.DataDamaged:
                // A restart that does not cure leaves the processes running and the answers wrong.
                (owner.Running, owner.Hung) = (true, !_times.RestartCures());
                Note(system, incident, Remedy.Restarted);
                break;
            case RepairStep.SwitchHost:
                // The standby takes the host's address over; for the network it is the same place again.
                _network.Repair(owner.Host);
                system.BootsAgain();
                (owner.Running, owner.Hung) = (true, false);
                Note(system, incident, Remedy.StandbyHost);
                break;
            case RepairStep.SwitchStorage:
                owner.StorageLost = false;
                Note(system, incident, Remedy.Mirror);
                break;
            case RepairStep.RestoreFromPoint:
                // The moment before the damage: any second can be opened, so the loss is the time since the last good check.
                incident.DataLost = LossOfRestore(system, incident);
                foreach (var copy in system.At.Values)
                {
                    copy.DataDamaged = false;
                }

                (owner.Running, owner.Hung) = (true, false);
                Note(system, incident, Remedy.RestoredFromPoint);
                break;
        }

        Count(system);
        incident.Tell(Now, "local repair", $"{system.Id}: {step} {(step == RepairStep.Check ? (owner.Works ? "passed" : "failed") : "done")}.");
        Continue(system, LocalRepair.Answered(repair, step, step != RepairStep.Check || (owner.Works && _network.IsUp(owner.Host)), owner.Works ? null : "The checks still fail.", Now));
    }

    private static void Note(SimSystem system, Incident incident, Remedy remedy)
    {
        if (system.Owner.Works)
        {
            incident.HelpedBy(system.Id, remedy);
        }
    }
}
