using Dr.Contracts.Policy;

namespace Dr.Simulator.World;

/// <summary>A protected volume: what changes in it.</summary>
internal sealed record VolumeModel(SystemId System, double GigabytesPerDay);

/// <summary>
/// The volumes of one bandwidth class on their way to the other site: changes come in bursts, leave in order, and share the class fairly. Bits in, bits out, second by second;
/// a copy's age is that of the oldest bit still waiting.
/// </summary>
internal sealed class StreamModel(BandwidthClass bandwidth, IReadOnlyList<VolumeModel> volumes, DayProfile profile)
{
    /// <summary>Long enough that what came before has left, or the class is too small for its volumes.</summary>
    public const int WindowSeconds = 300;

    /// <summary>One second in twenty carries a burst of five to twenty times the mean, as when a batch of returns is booked; the others up to six tenths of it.</summary>
    private const double BurstChance = 0.05;

    public BandwidthClass Bandwidth { get; } = bandwidth;

    public IReadOnlyList<VolumeModel> Volumes { get; } = volumes;

    /// <summary>How the classes are told apart: a class that is not shared belongs to one policy.</summary>
    public static string NameOf(BackupPolicy policy) => policy.Bandwidth.Shared ? policy.Bandwidth.Name : $"{policy.Bandwidth.Name}-{policy.Name}";

    public static IReadOnlyDictionary<SystemId, StreamModel> Of(IReadOnlyList<BackupPolicy> policies, OpeningCalendar calendar)
    {
        var profile = new DayProfile(calendar.Opens, calendar.Closes);
        var classes = policies.GroupBy(NameOf).Select(g => new StreamModel(
            g.First().Bandwidth,
            [.. g.SelectMany(p => p.Systems.Select(s => new VolumeModel(s, p.ChangeGigabytesPerDay / p.Systems.Count)))],
            profile));
        return classes.SelectMany(c => c.Volumes.Select(v => (v.System, Class: c))).DistinctBy(x => x.System).ToDictionary(x => x.System, x => x.Class);
    }

    /// <summary>How old each copy is after five minutes of that hour's bursts, in seconds, when the line was good until then.</summary>
    public IReadOnlyDictionary<SystemId, TimeSpan> Ages(int hour, Chance chance)
    {
        var queues = Run(hour, WindowSeconds, chance, null);

        // An empty queue still has the round trip and the receiver's flush between a write and its copy.
        return Volumes.Select((v, i) => (v.System, Age: queues[i].AgeAt(WindowSeconds) + chance.Between(0.05, 0.4))).ToDictionary(x => x.System, x => TimeSpan.FromSeconds(x.Age));
    }

    /// <summary>Runs <paramref name="seconds"/> of an hour; <paramref name="each"/> sees after every second the bits sent and the age of the oldest copy.</summary>
    public BitQueue[] Run(int hour, int seconds, Chance chance, Action<double, double>? each)
    {
        var means = Volumes.Select(v => profile.BitsPerSecond(v.GigabytesPerDay, hour)).ToArray();
        var queues = means.Select(_ => new BitQueue(seconds)).ToArray();
        for (var second = 0; second < seconds; second++)
        {
            for (var i = 0; i < queues.Length; i++)
            {
                queues[i].Arrive(second, means[i] * (chance.Hits(BurstChance) ? chance.Between(5, 20) : chance.Between(0, 0.6)));
            }

            var sent = Share(queues, Bandwidth.Mbps * 1e6);
            each?.Invoke(sent, each is null ? 0 : queues.Max(q => q.AgeAt(second + 1)));
        }

        return queues;
    }

    /// <summary>Bits that change in a span of opening time, at the mean rate.</summary>
    public double BitsOf(SystemId system, TimeSpan span, double openHoursPerDay) =>
        Volumes.First(v => v.System == system).GigabytesPerDay * 8e9 * span.TotalHours / openHoursPerDay;

    /// <summary>Everybody who waits gets the same; what one does not need the others share (max-min fairness).</summary>
    private static double Share(BitQueue[] queues, double room)
    {
        var (sent, left) = (0.0, room);
        var waiting = queues.Count(q => q.Waiting > 0);
        while (waiting > 0 && left > 1)
        {
            var (each, still) = (left / waiting, 0);
            foreach (var queue in queues)
            {
                if (queue.Waiting > 0)
                {
                    var took = queue.Leave(each);
                    (sent, left) = (sent + took, left - took);
                    still += queue.Waiting > 0 ? 1 : 0;
                }
            }

            waiting = still;
        }

        return sent;
    }
}
