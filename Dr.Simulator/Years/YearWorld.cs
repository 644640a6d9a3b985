using Dr.Contracts.Grains;
using Dr.Contracts.Policy;
using Dr.Silo.Decisions.Detection;
using Dr.Silo.Decisions.Failover;
using Dr.Silo.Decisions.Observing;
using Dr.Simulator.World;

namespace Dr.Simulator.Years;

/// <summary>
/// One random year: the control plane's own decision code over models of sites, lines, appliances, hosts, kiosks, a ledger and people, in virtual time. Quiet time is skipped: while nothing changes
/// nobody looks, and what beats, leases and writes did meanwhile is worked out when somebody looks again.
/// </summary>
internal sealed partial class YearWorld
{
    public static readonly DateTimeOffset Start = new(2011, 9, 20, 0, 0, 0, TimeSpan.Zero);

    /// <summary>After the last fault is mended everything has this long to come to rest.</summary>
    private static readonly TimeSpan Aftermath = TimeSpan.FromDays(4);

    private const int Kiosks = 6;

    /// <summary>The default calendar has no holidays, so a week says it all; <see cref="Start"/> is any of them.</summary>
    private static readonly bool[] OpenWeekdays = [.. Enum.GetValues<DayOfWeek>().Select(day => Enumerable.Range(0, 7).Select(n => DateOnly.FromDateTime(Start.UtcDateTime).AddDays(n)).Any(d => d.DayOfWeek == day && OpeningCalendar.Default.IsOpenDay(d)))];

    private readonly DecisionCore _core;
    private readonly Scheduler _scheduler = new(Start);
    private readonly Chance _chance;
    private readonly ModelTimes _times;
    private readonly IReadOnlyList<YearFault> _faults;
    private readonly YearSite[] _sites = [new(Places.ProductionSite), new(Places.BackupSite)];
    private readonly YearMember[] _members;
    private readonly List<string>? _story;
    private int _copyLineCut;
    private int _siloDown;
    private int _brokerAway;
    private int _ledgerAway;
    private int _kiosksLie;
    private int _kiosksCut;
    private int _badMessages;
    private int _active;
    private int _activation;
    private DateTimeOffset _activatedAt = Start;
    private DateTimeOffset _trustedSince = Start;
    private DateTimeOffset _troubleUntil = Start;

    public YearWorld(DecisionCore core, ulong seed, IReadOnlyList<YearFault> faults, bool tell = false)
    {
        (_core, _faults, _story) = (core, faults, tell ? [] : null);
        var chance = new Chance(seed);
        (_chance, _times) = (chance.For("world"), new ModelTimes(chance.For("times")));
        _members = [.. YearSystems.All.Select((system, index) =>
        {
            var state = SystemState.New(system.Settings.Id, TakeoverRules.Of(system.Settings), new Ownership(Epoch.First, system.Settings.Home), Start);
            return new YearMember(index, system, state) { Watch = new SystemWatch(core.Classify) };
        })];
    }

    public YearOutcome Outcome { get; } = new();

    public IReadOnlyList<string> Story => _story ?? [];

    private DateTimeOffset Now => _scheduler.Now;

    private bool SiloUp => _siloDown == 0;

    /// <summary>Plays the year; the first rule that breaks ends it.</summary>
    public YearOutcome Run(CancellationToken cancellationToken = default)
    {
        try
        {
            foreach (var member in _members)
            {
                Begin(member);
            }

            foreach (var fault in _faults)
            {
                _scheduler.At(Start + fault.At, () => Strike(fault));
            }

            var end = Start + (_faults.Count == 0 ? TimeSpan.FromDays(1) : _faults.Max(f => f.At + f.Lasts)) + Aftermath;
            _scheduler.Run(end, cancellationToken);
            foreach (var member in _members)
            {
                Require(member.State.Phase is Phase.Protected or Phase.NeedsOperator, member, "a healed system comes to rest", $"everything is healed for {Aftermath.TotalDays:0} days and it is {member.State.Phase}");
                Outcome.NeedingHelp += member.State.Phase == Phase.NeedsOperator ? 1 : 0;
            }
        }
        catch (YearViolationException violation)
        {
            Outcome.Violation = violation;
            Tell(null, violation.Message);
        }
        catch (InvariantException broken)
        {
            Outcome.Violation = new YearViolationException("the machine's own invariants", broken.Message, Now - Start);
            Tell(null, broken.Message);
        }

        Outcome.Events = _scheduler.Count;
        return Outcome;
    }

    private void Begin(YearMember member)
    {
        var home = member.Nodes[0];
        if (member.System.HasVolume)
        {
            home.Volume.Promote(Epoch.First, member.System.Settings.Lease ? Start + member.System.Settings.LeaseTtl : null, checks: true);
        }

        home.Running = true;
        member.Nodes[1].Running = member.System.Settings.Class == TakeoverClass.R;
        Activate(member);
        Refresh(member);
        Touch(member);
    }

    /// <summary>The control plane begins, anew or for the first time: what is stored goes on, what was in memory is gone.</summary>
    private void Activate(YearMember member)
    {
        member.Watch = new SystemWatch(_core.Classify) { LastGrant = Now };
        member.Inbox.Clear();
        member.Granter = $"{_activation}";
        member.Ledger = member.Ledger with { Granter = member.Granter };
        member.Fencing = member.Ledger.Fencing;
        foreach (var ear in member.Ears)
        {
            ear.Detector = null;
        }

        if (Resumption.EventOf(member.State, member.Ledger) is { } news)
        {
            member.Inbox.Enqueue(news);
        }

        if (_core.AfterRestart(member.State) is { } owed)
        {
            member.Effects.Add(owed);
        }

        if (member.State.Phase == Phase.Suspect)
        {
            member.Watch.BeginProbing(member.System.Settings, member.State, Now + Budgets.Probing, Now);
        }
    }

    private void KillSilo(TimeSpan back)
    {
        if (_siloDown++ == 0)
        {
            foreach (var member in _members)
            {
                WorkOut(member);

                // The old activation may live on somewhere and answer for a while: the ledger has to stop it.
                member.Zombie = (member.State, member.Granter);
                member.Inbox.Clear();
            }
        }

        Trouble();
        _scheduler.After(back, () =>
        {
            if (--_siloDown > 0)
            {
                return;
            }

            _activation++;
            (_activatedAt, _trustedSince) = (Now, Now);
            foreach (var member in _members)
            {
                WorkOut(member);
                Activate(member);
                Touch(member);
            }

            _scheduler.After(TimeSpan.FromSeconds(30), () => Array.ForEach(_members, m => m.Zombie = null));
        });
    }

    /// <summary>Brings one system's world up to now, and what the control plane heard of it; before anything about it changes.</summary>
    private void WorkOut(YearMember member)
    {
        Hear(member);
        Advance(member, Now);
    }

    private void Change(YearMember? only, Action change)
    {
        foreach (var member in _members)
        {
            if (only is null || only == member)
            {
                WorkOut(member);
            }
        }

        change();
        foreach (var member in _members)
        {
            if (only is null || only == member)
            {
                Refresh(member);
                Touch(member);
            }
        }
    }

    /// <summary>Something about it changed: the control plane's looks matter for a while.</summary>
    private void Touch(YearMember member)
    {
        member.AwakeUntil = Now + TimeSpan.FromSeconds(10);
        LookAt(member, Now + TimeSpan.FromMilliseconds(200 + (600 * _chance.Next())));
    }

    private void LookAt(YearMember member, DateTimeOffset at)
    {
        if (member.LookAt is { } planned && planned <= at)
        {
            return;
        }

        member.LookAt = at;
        var order = ++member.LookOrder;
        _scheduler.At(at, () =>
        {
            if (order == member.LookOrder)
            {
                member.LookAt = null;
                Look(member);
            }
        });
    }

    private void Trouble() => _troubleUntil = Now + TimeSpan.FromMinutes(20);

    private bool ControlReaches(int site) => SiloUp && _brokerAway == 0 && _sites[site] is { Down: 0, ControlCut: 0 };

    private bool ReachesHost(YearNode node) => ControlReaches(node.Site) && node.HostWorks;

    private bool ReachesAppliance(int site) => ControlReaches(site) && _sites[site].ApplianceWorks;

    private bool Linked => _copyLineCut == 0 && _sites[0].ApplianceWorks && _sites[1].ApplianceWorks;

    /// <summary>It runs and answers rightly, if one gets to it.</summary>
    private bool Works(YearMember member, YearNode node) =>
        _sites[node.Site].Down == 0 && node is { HostWorks: true, Running: true, Hung: false, DataDamaged: false, StorageLost: 0 }
        && (!member.System.HasVolume || (_sites[node.Site] is { ApplianceWorks: true, DiskFull: 0 } && node.Volume.IsPrimary));

    private static HourClass Hours(DateTimeOffset at)
    {
        var sinceMidnight = at.UtcTicks % TimeSpan.TicksPerDay;
        return sinceMidnight is >= 9 * TimeSpan.TicksPerHour and < 20 * TimeSpan.TicksPerHour && OpenWeekdays[(int)at.DayOfWeek] ? HourClass.Busy : HourClass.Idle;
    }

    private void Tell(YearMember? member, string what) => _story?.Add(string.Create(CultureInfo.InvariantCulture, $"day {(Now - Start).Days} {Now:HH:mm:ss.f}  {(member is null ? "" : member.System.Name + ": ")}{what}"));

    /// <summary>What is true right now, for the rules.</summary>
    private void Refresh(YearMember member)
    {
        foreach (var node in member.Nodes)
        {
            node.SilentSince = ReachesHost(node) ? null : node.SilentSince ?? Now;
            var site = _sites[node.Site];
            site.ApplianceSilentSince = ReachesAppliance(node.Site) ? null : site.ApplianceSilentSince ?? Now;
        }

        var owner = member.Nodes[member.Ledger.Owner.Site == Places.ProductionSite ? 0 : 1];
        var works = Works(member, owner);
        member.ServesSince = works && _sites[owner.Site].AccessCut == 0 && member.PointedAt == owner.Site ? member.ServesSince ?? Now : null;
        if (works)
        {
            member.FailsSince = null;
        }
        else if (member.FailsSince is null)
        {
            member.FailsSince = Now;
            ExpectNotice(member);
        }
    }
}
