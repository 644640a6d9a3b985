using Dr.Contracts.Grains;
using Dr.Silo.Decisions.Detection;
using Dr.Silo.Decisions.Failover;
using Dr.Simulator.World;

namespace Dr.Simulator.Replay;

/// <summary>
/// One year. The world (hosts, network, users, people) is the same in both; only in the protected one does the control plane act. What breaks, when, and when
/// people repair it come from the same draws, so the years differ by the system alone.
/// </summary>
internal sealed partial class ReplayWorld
{
    /// <summary>Beats before a fault: the detector's window is full then, and it knows a device's habits.</summary>
    private const int WarmUpBeats = DetectorState.Window + 3;

    /// <summary>… at the longest.</summary>
    private static readonly TimeSpan WarmUp = TimeSpan.FromMinutes(10);

    private readonly NetworkGraph _network;
    private readonly Scheduler _scheduler;
    private readonly ServiceHours _hours;
    private readonly ModelTimes _times;
    private readonly IReadOnlyList<Incident> _incidents;
    private readonly Dictionary<SystemId, SimSystem> _systems;
    private readonly bool _protected;
    private readonly ReplayOptions _options;
    private readonly Chance _copies;
    private readonly Dictionary<SystemId, Ownership> _ledger = [];

    public ReplayWorld(IReadOnlyList<SimSystem> systems, IReadOnlyList<Incident> incidents, NetworkGraph network, ServiceHours hours, Chance chance, ReplayOptions options, bool isProtected)
    {
        (_network, _hours, _incidents, _options, _protected) = (network, hours, incidents, options, isProtected);
        _copies = chance.For("copies");
        _times = new ModelTimes(chance.For("times"));
        _systems = systems.ToDictionary(s => s.Id);
        _scheduler = new Scheduler(incidents.Min(i => i.Strike) - TimeSpan.FromHours(1));
    }

    public long Events => _scheduler.Count;

    public long Beats { get; private set; }

    public long Transitions { get; private set; }

    /// <summary>Rules of the design that were broken; must stay empty.</summary>
    public List<string> Violations { get; } = [];

    public List<AuditEntry> Audit { get; } = [];

    private DateTimeOffset Now => _scheduler.Now;

    /// <param name="watched">How long after the last fault; null = until everything is home again, which is then checked.</param>
    public void Run(TimeSpan? watched, CancellationToken cancellationToken)
    {
        foreach (var system in _systems.Values.Where(s => s.State is not null))
        {
            _ledger[system.Id] = system.State!.Owner;
            system.At[system.Home].GateOpen = true;
            Apply(system, new SystemEvent.CopyConfigured());
            Apply(system, new SystemEvent.CopyCurrent(system.State!.Owner.Epoch));
        }

        foreach (var incident in _incidents)
        {
            if (_protected)
            {
                _scheduler.At(incident.Strike - WarmUp, () => WatchThoseHitBy(incident));
            }

            _scheduler.At(incident.Strike, () => Strike(incident));
        }

        _scheduler.Run(_incidents.Max(i => i.Strike) + (watched ?? TimeSpan.FromDays(7)), cancellationToken);
        foreach (var system in _systems.Values)
        {
            Count(system);
            if (watched is null && system.State is { Phase: not (Phase.Protected or Phase.NeedsOperator) } state)
            {
                Violations.Add($"{system.Id} ended the year {state.Phase} although everything is repaired.");
            }
        }
    }

    private void Strike(Incident incident)
    {
        // What was lost until now belongs to the incident before this one.
        CountAll();
        incident.Tell(Now, "fault", $"{incident.Fault.Symptom}: {incident.Breakage} breaks.");
        var repairAt = incident.Breakage.Lasts is { } lasts ? Now + lasts : _hours.ClosingOf(Now);
        var own = _systems.GetValueOrDefault(incident.Fault.System);
        if (own is not null)
        {
            own.Beneath = own.Incident;
            own.Incident?.Tell(Now, "fault", $"The fault of line {incident.Fault.Line} strikes the same system; what follows is told and counted there.");
            own.Incident = incident;
            incident.NoPolicy = own.Policy is null;
        }

        Break(incident, own);
        foreach (var system in _systems.Values)
        {
            // An incident of the network belongs to everybody it cuts off.
            var before = system.Unserved;
            if (Share(system) > before && system.Incident != incident)
            {
                system.Beneath = system.Incident is null ? null : incident;
                system.Incident ??= incident;
            }

            Count(system);
            if (system.Incident == incident && system.Unserved > 0)
            {
                system.WitnessReportAt = FirstWitnessReport(system);
                incident.UsersCutOffFromBothSites |= system.Users.Any(u => Places.Users[u.Group].Any(p =>
                    !_network.Reaches(p, Places.Backup) && !Served(system, p)));
                incident.Lost.TryAdd(system.Id, TimeSpan.Zero);
            }
        }

        if (_protected && own?.State is not null)
        {
            NoticeOwnReport(own);
        }

        if (_protected)
        {
            _scheduler.After(QuietAfter, UnwatchTheQuiet);
        }

        _scheduler.At(repairAt, () => RepairByPeople(incident, own));
    }

    private void Break(Incident incident, SimSystem? own)
    {
        // A program or its data fails where it runs; a machine fails where it stands: the log's are the machine room's.
        var serving = own?.At[own.PointedAt];
        var machine = own?.At[own.Home];
        switch (incident.Breakage.Kind)
        {
            case BreakageKind.NetworkPart:
                _network.Break(incident.Breakage.Part!);
                break;
            case BreakageKind.SiteLost:
                LoseSite();
                break;
            case BreakageKind.ProcessCrash:
                serving!.Running = false;
                break;
            case BreakageKind.ProcessHang:
                serving!.Hung = true;
                break;
            case BreakageKind.HostDown:
                if (_network.IsUp(machine!.Host))
                {
                    _network.Break(machine.Host);
                }

                machine.Running = false;
                break;
            case BreakageKind.DataDamage:
                foreach (var copy in own!.At.Values)
                {
                    // A copy that follows faithfully has the damage a moment later.
                    copy.DataDamaged = true;
                }

                break;
            case BreakageKind.StoragePath:
                machine!.StorageLost = true;
                break;
        }
    }

    /// <summary>The day's end: as it was, this is what brought the service back.</summary>
    private void RepairByPeople(Incident incident, SimSystem? own)
    {
        CountAll();
        incident.RepairedAt = Now;
        incident.OnlyPeopleHelped();
        if (incident.Breakage.Kind == BreakageKind.NetworkPart)
        {
            _network.Repair(incident.Breakage.Part!);
        }
        else if (own is not null)
        {
            var home = own.At[own.Home];
            if (incident.Breakage.Kind == BreakageKind.HostDown)
            {
                _network.Repair(home.Host);
                own.BootsAgain();
            }

            var serves = own.State is null || own.State.Owner.Site == own.Home;
            home.Running |= serves;
            foreach (var copy in own.At.Values)
            {
                (copy.Hung, copy.StorageLost, copy.DataDamaged) = (false, false, false);
            }

            own.At[own.PointedAt].Running = true;
        }

        incident.Tell(Now, "people", incident.Breakage.Lasts is null ? "Repaired by closing time." : "Repaired.");
        CountAll(byPeople: true);
        foreach (var system in _systems.Values.Where(s => s.Incident == incident || s.AwayFor == incident))
        {
            if (system.State is not null && _protected)
            {
                AfterRepair(system);
            }
            else
            {
                Close(system);
            }
        }
    }

    private void Close(SimSystem system)
    {
        Count(system);
        if (system is { Unserved: > 0, Beneath: { RepairedAt: null } beneath, Incident: { } over } && system.At[system.PointedAt].Works)
        {
            // It works again; who is still cut off, is cut off by the other fault.
            over.Tell(Now, "fault", $"{system.Id} works; what is left is the doing of line {beneath.Fault.Line}, and counted there.");
            beneath.Lost.TryAdd(system.Id, TimeSpan.Zero);
            (system.Incident, system.Told, system.Beneath, system.Repair, system.ReportedFailing) = (beneath, beneath, null, null, false);
            system.WitnessReportAt = FirstWitnessReport(system);
            return;
        }

        if (system.Unserved > 0)
        {
            return;
        }

        system.Incident = null;
        system.Beneath = null;
        system.Watched = false;
        system.Detector = null;
        system.Repair = null;
        system.ReportedFailing = false;
        system.TakenOverAt = null;
    }

    private bool Served(SimSystem system, string place)
    {
        var instance = system.At[system.PointedAt];
        return instance.Works && _network.Reaches(place, instance.Host);
    }

    /// <summary>The share of a system's users who are not served right now.</summary>
    private double Share(SimSystem system) => system.Users.Sum(u =>
    {
        var places = Places.Users[u.Group];
        return u.Share * places.Count(place => !Served(system, place)) / places.Length;
    });

    private void CountAll(bool byPeople = false)
    {
        foreach (var system in _systems.Values)
        {
            Count(system, byPeople);
        }
    }

    /// <summary>Books what was lost since the last change, to the incident under way. What people repaired is no merit of the system.</summary>
    private void Count(SimSystem system, bool byPeople = false)
    {
        var share = Share(system);
        if (system.Unserved > 0 && system.Incident is { } incident)
        {
            incident.Lost[system.Id] = incident.Lost.GetValueOrDefault(system.Id) + (_hours.Between(system.UnservedSince, Now) * system.Unserved);
            if (share < system.Unserved && !byPeople && incident.RepairedAt is null)
            {
                incident.ServedAt[system.Id] = Now;
            }
        }

        if (share != system.Unserved && (system.Incident ?? system.Told) is { } told)
        {
            system.Told = told;
            told.Tell(Now, "users", $"{system.Id}: {(share == 0 ? "all users are served" : $"{100 * share:0} % of its users are not served")}; {told.Lost.GetValueOrDefault(system.Id).TotalMinutes:0.00} opening minutes lost so far.");
        }

        (system.Unserved, system.UnservedSince) = (share, Now);
    }
}
