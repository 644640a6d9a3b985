using Dr.Contracts.Policy;
using Dr.Simulator.World;

namespace Dr.Simulator.Plans;

/// <summary>What the plan for lines and disks starts from.</summary>
internal sealed record CapacityInputs
{
    /// <summary>Storage is planned for five years (R19).</summary>
    public int Years { get; init; } = 5;

    /// <summary>Per cent by which data and daily change grow each year.</summary>
    public double GrowthPercent { get; init; } = 20;

    /// <summary>Terabytes (10¹²) of each policy's data today; a policy that is not here has what <see cref="CapacityPlan.AssumedTerabytes"/> says.</summary>
    public IReadOnlyDictionary<string, double> DataTerabytes { get; init; } = new Dictionary<string, double>();

    /// <summary>A class is short when the busiest hour takes more of it than this: bursts need the rest.</summary>
    public double BusyPercent { get; init; } = 70;
}

/// <summary>One policy's disk in one year, terabytes at each of the two sites.</summary>
internal sealed record DiskYear(int Year, double DataTb, double HistoryTb, double PointsTb, double ReserveTb, double PlannedTb)
{
    public double NeedTb => DataTb + HistoryTb + PointsTb + ReserveTb;

    public bool Fits => NeedTb <= PlannedTb;
}

/// <summary>What one policy needs.</summary>
/// <param name="FullHours">A full over its class, if it had to be sent; ours is proven at both ends instead.</param>
/// <param name="FullEveryHours">Null = table 2 asks for none.</param>
/// <param name="IncrementalMegabytes">Change of one incremental period in the busiest hour, and the seconds its class takes for it.</param>
/// <param name="DiskShortIn">First year in which its disk does not do; null = not within the horizon.</param>
internal sealed record PolicyNeed(
    string Policy, IReadOnlyList<SystemId> Systems, string Class, bool DataAssumed, double ChangeGigabytesPerDay, double StreamPeakMbps, double FullHours, double? FullEveryHours, double? IncrementalMegabytes, double? IncrementalSeconds, double PointMegabytes,
    IReadOnlyList<DiskYear> Disk, double TapeTb, double TapeNeedTb, int? DiskShortIn);

/// <summary>A class of the line in one year.</summary>
/// <param name="CatchUpHours">After a day without the line; null = it never catches up.</param>
internal sealed record ClassYear(int Year, double PeakMbps, double PeakPercent, double? CatchUpHours);

internal sealed record ClassNeed(string Class, string Network, double Mbps, IReadOnlyList<string> Policies, IReadOnlyList<ClassYear> Years, int? ShortIn);

/// <summary>An access: what its classes may take together.</summary>
internal sealed record LineNeed(string Network, double Mbps, double ClassesMbps, bool Overbooked);

/// <summary>Lines and disks over the years (R19): what each policy needs, and when it no longer fits. Pure.</summary>
internal sealed record CapacityPlan(CapacityInputs Inputs, IReadOnlyList<PolicyNeed> Policies, IReadOnlyList<ClassNeed> Classes, IReadOnlyList<LineNeed> Lines, IReadOnlyList<string> Assumptions)
{
    /// <summary>How far ahead the first year of a shortage is looked for.</summary>
    public const int HorizonYears = 20;

    /// <summary>Everything written in the last day can be opened again, second by second, unless the policy says otherwise.</summary>
    private static readonly TimeSpan FineWindow = TimeSpan.FromHours(24);

    /// <summary>Points reach this far back unless the policy says otherwise.</summary>
    private static readonly TimeSpan PointsWindow = TimeSpan.FromDays(30);

    /// <summary>Of a day's change, what is still different a day later: databases write the same blocks again and again.</summary>
    private const double LastingShare = 0.5;

    /// <summary>Free at all times: merges and an hour of full writing need room.</summary>
    private const double ReserveShare = 0.1;

    /// <summary>The one figure on record.</summary>
    private const double DilasTerabytes = 0.2;

    public static CapacityPlan Make(IReadOnlyList<BackupPolicy> policies, CapacityInputs inputs)
    {
        var profile = new DayProfile(OpeningCalendar.Default.Opens, OpeningCalendar.Default.Closes);
        var needs = policies.Select(p => Need(p, inputs, profile)).ToArray();
        var classes = policies.GroupBy(StreamModel.NameOf).Select(g => Class(g.Key, [.. g], inputs, profile)).ToArray();
        var lines = classes.GroupBy(c => c.Network).Select(g =>
        {
            var sum = g.Sum(c => c.Mbps);
            var mbps = NetworkLine.Find(g.Key)?.Mbps ?? sum;
            return new LineNeed(g.Key, mbps, sum, sum > mbps);
        });
        return new CapacityPlan(inputs, needs, classes, [.. lines],
        [
            "On record are DILAS's 200 GB with 2 GB of change a day and the disks of table 2; other data is assumed at 10 % (real-time) or 40 % (archive) of its line's disk (--data LINE=SIZE says otherwise).",
            $"Each site holds the data, every write of the fine window ({FineWindow.TotalHours:0} h unless the policy says otherwise), points over {PointsWindow.TotalDays:0} days with {100 * LastingShare:0} % of a day's change lasting, and {100 * ReserveShare:0} % free.",
            "A full is read whole and proven at both ends: it costs the line nothing once the first copy is there. The hours shown are those of the first copy, or of a product that sends it.",
        ]);
    }

    /// <summary>Terabytes of a policy's data where nobody said them.</summary>
    public static double AssumedTerabytes(BackupPolicy policy) =>
        policy.Systems.Any(s => s.Value == "dilas") ? DilasTerabytes : policy.DiskTerabytes * (policy.Kind == BusinessKind.Archive ? 0.4 : 0.1);

    private static PolicyNeed Need(BackupPolicy policy, CapacityInputs inputs, DayProfile profile)
    {
        var data = inputs.DataTerabytes.TryGetValue(policy.Name, out var said) ? said : AssumedTerabytes(policy);
        var busiest = Enumerable.Range(0, 24).MaxBy(profile.Share);
        var peakBits = profile.BitsPerSecond(policy.ChangeGigabytesPerDay, busiest);
        double? incremental = (policy.Periods.Incremental ?? policy.Periods.Differential ?? policy.Periods.Application) is { } period
            ? (period < TimeSpan.FromHours(1) ? peakBits * period.TotalSeconds / 8e6 : policy.ChangeGigabytesPerDay * 1e3 * Math.Min(period.TotalDays, 30)) : null;
        return new PolicyNeed(
            policy.Name, policy.Systems, StreamModel.NameOf(policy), !inputs.DataTerabytes.ContainsKey(policy.Name) && !policy.Systems.Any(s => s.Value == "dilas"), policy.ChangeGigabytesPerDay, peakBits / 1e6,
            data * 8e6 / policy.Bandwidth.Mbps / 3600, policy.Periods.Full?.TotalHours, incremental, incremental * 8 / policy.Bandwidth.Mbps, peakBits * policy.PointPeriod.TotalSeconds / 8e6,
            [.. Enumerable.Range(0, inputs.Years + 1).Select(year => Disk(policy, data, inputs, year))], policy.TapeTerabytes, policy.TapeTerabytes > 0 ? Grown(data, inputs, inputs.Years) : 0,
            First(year => !Disk(policy, data, inputs, year).Fits));
    }

    private static DiskYear Disk(BackupPolicy policy, double data, CapacityInputs inputs, int year)
    {
        var (held, change) = (Grown(data, inputs, year), Grown(policy.ChangeGigabytesPerDay / 1e3, inputs, year));
        var fine = (policy.Retention.FineWindow ?? FineWindow).TotalDays;
        var reach = policy.Retention.Keep is { Count: > 0 } tiers ? tiers[^1].Within.TotalDays : PointsWindow.TotalDays;
        var (history, points) = (change * fine, Math.Min(held, change * LastingShare * Math.Max(0, reach - fine)));
        return new DiskYear(year, held, history, points, (held + history + points) * ReserveShare, policy.DiskTerabytes);
    }

    private static ClassNeed Class(string name, IReadOnlyList<BackupPolicy> policies, CapacityInputs inputs, DayProfile profile)
    {
        var (mbps, change) = (policies[0].Bandwidth.Mbps, policies.Sum(p => p.ChangeGigabytesPerDay));
        ClassYear In(int year)
        {
            var gigabytes = Grown(change, inputs, year);
            var (peak, mean) = (Enumerable.Range(0, 24).Max(hour => profile.BitsPerSecond(gigabytes, hour)) / 1e6, gigabytes * 8e3 / 86400);
            return new ClassYear(year, peak, 100 * peak / mbps, mbps > mean ? gigabytes * 8e3 / (mbps - mean) / 3600 : null);
        }

        return new ClassNeed(name, policies[0].Bandwidth.Network, mbps, [.. policies.Select(p => p.Name)], [.. Enumerable.Range(0, inputs.Years + 1).Select(In)], First(year => In(year) is { CatchUpHours: null } or { CatchUpHours: > 24 } || In(year).PeakPercent > inputs.BusyPercent));
    }

    private static double Grown(double today, CapacityInputs inputs, int years) => today * Math.Pow(1 + (inputs.GrowthPercent / 100), years);

    private static int? First(Predicate<int> isShort) => Enumerable.Range(0, HorizonYears + 1).Where(y => isShort(y)).Select(y => (int?)y).FirstOrDefault();
}
