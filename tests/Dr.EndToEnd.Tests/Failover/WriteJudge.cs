using Dr.Simulator.Live.Judging;

namespace Dr.EndToEnd.Tests.Failover;

/// <summary>
/// Clients outside that try to write to one volume at both sites all the time, and a ledger of what was answered when. The judge's rule: once a write was taken at one side, none may be answered at the other until
/// ownership goes back, whatever happened to the process that held it.
/// </summary>
/// <param name="sockets">The NBD socket of each site.</param>
internal sealed class WriteJudge(string volume, IReadOnlyDictionary<string, string> sockets) : IDisposable
{
    private static readonly TimeSpan Pace = TimeSpan.FromMilliseconds(10);

    private readonly VolumeWriters _writers = new(volume, sockets, new VolumeWritersOptions(Slots: 1024, Pace, Pace, Flush: false));

    public static double Now => VolumeWriters.Now;

    /// <summary>Good answers, by when they came.</summary>
    public IReadOnlyList<WriteAnswer> Answers => _writers.Answers;

    public int Count(string site) => _writers.Count(site);

    /// <summary>When one side's last write was answered and the other's first was sent, for each change of sides; fails when they overlap or a side comes back that should not.</summary>
    public IReadOnlyList<Handover> Handovers(int expected)
    {
        var changes = Simulator.Live.Judging.Handovers.Of(Answers);
        changes.Count.ShouldBe(expected, $"sides changed at {string.Join(", ", changes.Select(c => $"{c.From}→{c.To} {c.LastAnswered:F3}/{c.FirstSent:F3}"))}");
        foreach (var change in changes)
        {
            change.Overlaps.ShouldBeFalse($"{change.From} answered a write after {change.To} took one");
        }

        return changes;
    }

    public void Dispose() => _writers.Dispose();
}
