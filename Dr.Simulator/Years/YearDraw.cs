using Dr.Simulator.Replay;
using Dr.Simulator.World;

namespace Dr.Simulator.Years;

/// <summary>Draws a year's faults from a seed: the log's kinds at the log's rates, and beside them what the log never saw, at rates that make a year worth the trouble.</summary>
internal sealed class YearDraw
{
    public static readonly TimeSpan Length = TimeSpan.FromDays(365);

    /// <summary>Faults a year that the log never saw. Far more than there are: a year is to be a trial, not a forecast.</summary>
    private static readonly (YearFaultKind Kind, double PerYear, double LeastSeconds, double MostSeconds)[] Unseen =
    [
        (YearFaultKind.SiteLost, 0.7, 600, 40_000),
        (YearFaultKind.BothLinesCut, 0.8, 20, 6_000),
        (YearFaultKind.CopyLineCut, 2.0, 5, 20_000),
        (YearFaultKind.ControlLineCut, 2.0, 4, 4_000),
        (YearFaultKind.ApplianceDown, 1.0, 30, 8_000),
        (YearFaultKind.ApplianceFrozen, 1.0, 3, 200),
        (YearFaultKind.HostFrozen, 1.0, 3, 400),
        (YearFaultKind.DiskFull, 0.5, 600, 20_000),
        (YearFaultKind.ClockWrong, 2.0, 3_600, 300_000),
        (YearFaultKind.CopyDamaged, 0.5, 1, 1),
        (YearFaultKind.SiloLost, 1.5, 2, 60),
        (YearFaultKind.SiloInMidRun, 3.0, 2, 30),
        (YearFaultKind.BrokerAway, 1.0, 2, 120),
        (YearFaultKind.LedgerAway, 1.0, 2, 300),
        (YearFaultKind.KiosksLie, 1.0, 600, 20_000),
        (YearFaultKind.KiosksCut, 1.0, 60, 20_000),
        (YearFaultKind.BadMessages, 2.0, 60, 4_000),
        (YearFaultKind.Move, 2.0, 1, 1),
        (YearFaultKind.Failover, 0.7, 1, 1),
        (YearFaultKind.Drill, 2.0, 1, 1),
        (YearFaultKind.Hold, 0.5, 600, 6_000),
        (YearFaultKind.RollBack, 0.5, 1, 1),
        (YearFaultKind.OldMessages, 1.5, 60, 4_000),
    ];

    private readonly (double PerYear, Breakage[] Kinds)[] _perSystem;
    private readonly double _access;

    public YearDraw(FaultYear log)
    {
        // Each line's words are turned into what breaks as the replay does it; a system that the log does not know at these names has no faults of its own.
        var chance = new Chance(0).For("catalogue");
        _perSystem = [.. YearSystems.All.Select(s =>
        {
            var kinds = log.Log.Where(f => f.System.Value == s.Name).Select(f => FaultCatalog.Of(f, chance)).ToArray();
            return ((double)kinds.Length, kinds);
        })];
        _access = log.Log.Count(f => f.Kind == SystemKind.Equipment && f.System.Value is { } id && (id.Contains("optical", StringComparison.Ordinal) || id.Contains("firewall", StringComparison.Ordinal)));
    }

    public IReadOnlyList<YearFault> Of(ulong seed)
    {
        var chance = new Chance(seed).For("faults");
        List<(TimeSpan At, YearFaultKind Kind, int System, int Site, TimeSpan Lasts)> drawn = [];
        for (var system = 0; system < _perSystem.Length; system++)
        {
            var (rate, kinds) = _perSystem[system];
            for (var n = Poisson(rate, chance); n > 0; n--)
            {
                var kind = kinds[chance.Below(kinds.Length)].Kind switch
                {
                    BreakageKind.ProcessCrash => YearFaultKind.ProcessCrash,
                    BreakageKind.ProcessHang => YearFaultKind.ProcessHang,
                    BreakageKind.DataDamage => YearFaultKind.DataDamage,
                    BreakageKind.StoragePath => YearFaultKind.StoragePath,
                    BreakageKind.HostDown => YearFaultKind.HostDown,
                    _ => YearFaultKind.AccessCut,
                };
                drawn.Add((When(chance), kind, system, chance.Hits(0.8) ? 0 : 1, Lasting(300, 30_000, chance)));
            }
        }

        for (var n = Poisson(_access, chance); n > 0; n--)
        {
            drawn.Add((When(chance), YearFaultKind.AccessCut, 0, 0, Lasting(300, 30_000, chance)));
        }

        foreach (var (kind, rate, least, most) in Unseen)
        {
            for (var n = Poisson(rate, chance); n > 0; n--)
            {
                // Misfortunes love company: every other one strikes while something else is going on, most of these within the minute.
                var at = drawn.Count > 0 && chance.Hits(0.5)
                    ? drawn[chance.Below(drawn.Count)].At + TimeSpan.FromSeconds(chance.Hits(0.7) ? chance.Between(-15, 60) : chance.Between(-600, 7_200))
                    : When(chance);
                drawn.Add((at < TimeSpan.Zero ? TimeSpan.Zero : at, kind, chance.Below(_perSystem.Length), chance.Hits(0.7) ? 0 : 1, Lasting(least, most, chance)));
            }
        }

        return [.. drawn.OrderBy(d => d.At).Select((d, n) => new YearFault(n, d.At, d.Kind, d.System, d.Site, d.Lasts))];
    }

    private static TimeSpan When(Chance chance) => Milliseconds(TimeSpan.FromDays(1) + ((Length - TimeSpan.FromDays(2)) * chance.Next()));

    /// <summary>Between the bounds, evenly in the logarithm: short ones are as likely as long ones.</summary>
    private static TimeSpan Lasting(double least, double most, Chance chance) => Milliseconds(TimeSpan.FromSeconds(least * Math.Pow(most / least, chance.Next())));

    private static TimeSpan Milliseconds(TimeSpan time) => TimeSpan.FromMilliseconds(Math.Round(time.TotalMilliseconds));

    private static int Poisson(double mean, Chance chance)
    {
        var (limit, product, count) = (Math.Exp(-mean), chance.Next(), 0);
        while (product > limit)
        {
            product *= chance.Next();
            count++;
        }

        return count;
    }
}
