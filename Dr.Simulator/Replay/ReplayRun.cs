using System.Runtime.CompilerServices;
using Dr.Contracts.Grains;
using Dr.Contracts.Policy;
using Dr.Silo.Decisions.Detection;
using Dr.Silo.Decisions.Failover;
using Dr.Silo.Decisions.Repair;
using Dr.Simulator.World;

namespace Dr.Simulator.Replay;

/// <summary>Runs the year twice, as it was and with the system, and puts both together.</summary>
internal static class ReplayRun
{
    /// <summary>52 weeks, so that every weekday counts as often; closed on Mondays that is the paper's 312 opening days.</summary>
    public const int DaysInYear = 364;

    private static readonly ConditionalWeakTable<FaultYear, NetworkGraph> Networks = [];

    public static ReplayResult Run(FaultYear year, ulong seed, CancellationToken cancellationToken) => Run(year, new ReplayOptions { Seed = seed }, cancellationToken);

    public static ReplayResult Run(FaultYear year, ReplayOptions options, CancellationToken cancellationToken)
    {
        var calendar = OpeningCalendar.Default;
        var dated = year.Log.Where(f => f.Date is not null).ToArray();
        var survey = Survey(dated);
        var hours = new ServiceHours(calendar, dated.Select(f => f.Date!.Value).Where(d => !calendar.IsOpenDay(d)).ToHashSet());

        var network = NetworkOf(year);
        var (before, _) = World(year, survey, hours, network.Fresh(), options, isProtected: false, cancellationToken);
        var (after, world) = World(year, survey, hours, network.Fresh(), options, isProtected: true, cancellationToken);
        return ReplayResult.Of(year, survey, calendar, options.Seed, before, after, world);
    }

    /// <summary>The site of <see cref="ReplayOptions.Site"/> is lost at <paramref name="at"/>; the world is what it has become <paramref name="watched"/> later.</summary>
    public static ReplayWorld LoseSite(FaultYear year, ReplayOptions options, DateTimeOffset at, TimeSpan watched, CancellationToken cancellationToken)
    {
        var chance = new Chance(options.Seed);
        var lost = options.Site!.Lost;
        var site = new FaultEntry(0, new SystemId($"site-{lost}"), "", $"Site {lost}", SystemKind.Equipment, "", null, "", $"The site {lost} is lost", ["hardware"], "");
        Incident[] incidents = [new Incident(site, new Breakage(BreakageKind.SiteLost, Lasts: TimeSpan.FromDays(2)), at, dateDrawn: false, options.Stories)];
        var streams = StreamModel.Of(year.Policies, OpeningCalendar.Default);
        var systems = SystemsOf(year).Select(id => System(id, year, streams.GetValueOrDefault(id), options, isProtected: true, at - TimeSpan.FromHours(1))).ToArray();
        var world = new ReplayWorld(systems, incidents, NetworkOf(year).Fresh(), new ServiceHours(OpeningCalendar.Default, new HashSet<DateOnly>()), chance, options, isProtected: true);
        world.Run(watched, cancellationToken);
        return world;
    }

    /// <summary>As the policy says; otherwise systems that can wait are repointed, and the others taken over as a whole.</summary>
    public static TakeoverClass ClassOf(BackupPolicy policy) => policy.Takeover ?? (policy.Kind == BusinessKind.Archive ? TakeoverClass.R : TakeoverClass.T);

    /// <summary>The year that ends with the last fault of the surveyed months; a date more than a year after the first lies outside.</summary>
    private static (DateOnly First, DateOnly Last) Survey(FaultEntry[] dated)
    {
        if (dated.Length == 0)
        {
            return (new DateOnly(2011, 9, 18), new DateOnly(2012, 9, 15));
        }

        var first = dated.Min(f => f.Date!.Value);
        var last = dated.Select(f => f.Date!.Value).Where(d => d.DayNumber < first.DayNumber + DaysInYear).Max();
        return (last.AddDays(1 - DaysInYear), last);
    }

    private static (IReadOnlyList<Incident>, ReplayWorld) World(
        FaultYear year, (DateOnly First, DateOnly Last) survey, ServiceHours hours, NetworkGraph network, ReplayOptions options, bool isProtected, CancellationToken cancellationToken)
    {
        // The same streams for both years: what strikes, when and how hard must not depend on who is watching.
        var chance = new Chance(options.Seed);
        var incidents = Incidents(year.Log, survey, hours.Calendar, chance, options.Stories);
        var streams = StreamModel.Of(year.Policies, hours.Calendar);
        var start = incidents.Min(i => i.Strike) - TimeSpan.FromHours(1);
        var systems = SystemsOf(year).Select(id => System(id, year, streams.GetValueOrDefault(id), options, isProtected, start)).ToArray();
        var world = new ReplayWorld(systems, incidents, network, hours, chance, options, isProtected);
        world.Run(null, cancellationToken);
        return (incidents, world);
    }

    private static IEnumerable<SystemId> SystemsOf(FaultYear year) =>
        year.Log.Where(f => f.Kind != SystemKind.Equipment).Select(f => f.System).Concat(year.Policies.SelectMany(p => p.Systems)).Distinct();

    /// <summary>One network per table, however many years are run on it.</summary>
    private static NetworkGraph NetworkOf(FaultYear year) => Networks.GetValue(year, static of =>
    {
        var network = Places.Build();
        foreach (var id in SystemsOf(of))
        {
            Places.AddHosts(network, id);
        }

        return network;
    });

    private static Incident[] Incidents(IReadOnlyList<FaultEntry> log, (DateOnly First, DateOnly Last) survey, OpeningCalendar calendar, Chance chance, bool stories)
    {
        List<Incident> incidents = [];
        foreach (var fault in log)
        {
            var draws = chance.For($"fault {fault.Line}");
            var day = fault.Date ?? AnyOpenDay(survey, calendar, draws);
            var strike = ServiceHours.At(day, calendar.Opens) + (calendar.OpenPerDay * draws.Between(0, 0.98));
            incidents.Add(new Incident(fault, FaultCatalog.Of(fault, draws), strike, fault.Date is null, stories));
        }

        return [.. incidents.OrderBy(i => i.Strike).ThenBy(i => i.Fault.Line)];
    }

    private static DateOnly AnyOpenDay((DateOnly First, DateOnly Last) survey, OpeningCalendar calendar, Chance draws)
    {
        DateOnly day;
        do
        {
            day = survey.First.AddDays(draws.Below(DaysInYear));
        }
        while (!calendar.IsOpenDay(day));
        return day;
    }

    private static SimSystem System(SystemId id, FaultYear year, StreamModel? stream, ReplayOptions options, bool isProtected, DateTimeOffset start)
    {
        var policy = year.Policies.FirstOrDefault(p => p.Systems.Contains(id));
        var entry = year.Log.FirstOrDefault(f => f.System == id);
        var kind = policy is null ? entry?.Kind ?? SystemKind.Archive : policy.Kind == BusinessKind.RealTime ? SystemKind.RealTime : SystemKind.Archive;

        // Several servers in table 2 mean a standby inside the site.
        var repoint = policy is null ? kind == SystemKind.Archive : ClassOf(policy) == TakeoverClass.R;
        var standby = policy is not null && !policy.Servers.StartsWith("1 x", StringComparison.Ordinal) && policy.Servers.Length > 0;
        var home = options.Site?.HomeOf(id) ?? Places.ProductionSite;
        var peer = Places.Other(home);
        var rules = new TakeoverRules
        {
            Home = home,
            Peer = peer,
            Class = repoint ? TakeoverClass.R : TakeoverClass.T,
            Approval = policy?.Approval ?? ApprovalMode.Automatic,
            LossLimit = policy?.LossLimit ?? policy?.Targets.Rpo ?? TimeSpan.FromMinutes(5),
            LocalStandby = standby,
        };
        return new SimSystem
        {
            Id = id,
            Name = entry?.Name ?? id.Value,
            Kind = kind,
            Policy = policy,
            Beats = options.FixedBeats ?? (kind == SystemKind.RealTime ? BeatClass.CriticalSystem : BeatClass.Appliance),
            Users = Places.UsersOf(id),
            At = new Dictionary<SiteId, Instance>
            {
                [home] = new(Places.Host(id, home)) { Running = true, GateOpen = true },
                [peer] = new(Places.Host(id, peer)) { Running = repoint },
            },
            Home = home,
            Stream = stream,
            PointedAt = home,
            Means = new LocalMeans(standby, Mirror: true, Points: true),
            State = isProtected && policy is not null ? SystemState.New(id, rules, new Ownership(Epoch.First, home), start) with { LeaseAsked = null } : null,
        };
    }
}
