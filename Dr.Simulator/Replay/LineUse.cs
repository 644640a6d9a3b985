using Dr.Contracts.Policy;
using Dr.Simulator.World;

namespace Dr.Simulator.Replay;

/// <summary>How an opening day's stream uses one bandwidth class.</summary>
/// <param name="MbpsByHour">Mean of each hour, Mbit/s.</param>
/// <param name="P99Mbps">What 99 of 100 seconds of the busiest hour do not exceed.</param>
/// <param name="P99AgeSeconds">… and the oldest copy in them: seconds behind.</param>
internal sealed record ClassUse(string Class, string Network, double Mbps, bool Shared, IReadOnlyList<SystemId> Systems, double GigabytesPerDay, IReadOnlyList<double> MbpsByHour, int BusiestHour, double P99Mbps, double P99AgeSeconds)
{
    public double PeakHourMbps => MbpsByHour[BusiestHour];

    public double PeakHourPercent => 100 * PeakHourMbps / Mbps;
}

/// <summary>One access, and what its classes leave.</summary>
internal sealed record LineUse(string Network, double Mbps, double ClassesMbps, double PeakHourMbps);

/// <summary>The bandwidth of an opening day, class by class and line by line.</summary>
internal sealed record BandwidthUse(IReadOnlyList<ClassUse> Classes, IReadOnlyList<LineUse> Lines)
{
    public static BandwidthUse Of(IReadOnlyList<BackupPolicy> policies, OpeningCalendar calendar, ulong seed)
    {
        var chance = new Chance(seed).For("bandwidth");
        var profile = new DayProfile(calendar.Opens, calendar.Closes);
        var streams = StreamModel.Of(policies, calendar).Values.Distinct().ToArray();
        var classes = streams.Select(s => Use(policies, s, profile, chance)).ToArray();
        var lines = NetworkLine.All.Select(l =>
        {
            var on = classes.Where(c => c.Network == l.Network).ToArray();
            return new LineUse(l.Network, l.Mbps, on.Sum(c => c.Mbps), Enumerable.Range(0, 24).Max(hour => on.Sum(c => c.MbpsByHour[hour])));
        });
        return new BandwidthUse(classes, [.. lines]);
    }

    private static ClassUse Use(IReadOnlyList<BackupPolicy> policies, StreamModel stream, DayProfile profile, Chance chance)
    {
        var total = stream.Volumes.Sum(v => v.GigabytesPerDay);
        var hours = Enumerable.Range(0, 24).Select(hour => profile.BitsPerSecond(total, hour) / 1e6).ToArray();
        var busiest = Array.IndexOf(hours, hours.Max());
        List<double> sent = [];
        List<double> ages = [];
        stream.Run(busiest, 3600, chance.For(stream.Bandwidth.Name + stream.Volumes[0].System), (bits, age) =>
        {
            sent.Add(bits / 1e6);
            ages.Add(age);
        });
        sent.Sort();
        ages.Sort();
        return new ClassUse(
            StreamModel.NameOf(policies.First(p => p.Systems.Contains(stream.Volumes[0].System))), stream.Bandwidth.Network, stream.Bandwidth.Mbps, stream.Bandwidth.Shared, [.. stream.Volumes.Select(v => v.System)], total, hours, busiest,
            Spread.At(sent, 0.99), Spread.At(ages, 0.99));
    }
}
