namespace Dr.Edge.Volumes.Space;

/// <summary>
/// Samples of the last week, dense in the last hour (or a shorter window) and thinner behind: every minute, every ten minutes, every hour. At most about 380, whatever is added. Pure; not for two threads at once.
/// </summary>
internal sealed class GrowthSeries
{
    public static readonly TimeSpan Hour = TimeSpan.FromHours(1);
    public static readonly TimeSpan Day = TimeSpan.FromDays(1);
    public static readonly TimeSpan Week = TimeSpan.FromDays(7);

    /// <summary>A window must be covered by one part in so many before its trend is believed.</summary>
    public const int LeastCoverage = 12;

    /// <summary>Samples in the shortest window.</summary>
    public const int ShortSamples = 60;

    private readonly List<GrowthSample> _samples = [];
    private readonly TimeSpan _short;

    /// <param name="samples">As they were saved; in any order.</param>
    /// <param name="shortest">The shortest of the three windows; null = an hour, which is also the most.</param>
    public GrowthSeries(IEnumerable<GrowthSample>? samples = null, TimeSpan? shortest = null)
    {
        _samples.AddRange((samples ?? []).OrderBy(sample => sample.At));
        _short = shortest ?? Hour;
    }

    /// <summary>Oldest first.</summary>
    public IReadOnlyList<GrowthSample> Samples => _samples;

    /// <summary>Takes a sample in. What lies after it (the clock was set back) is forgotten.</summary>
    public void Add(GrowthSample sample)
    {
        _samples.RemoveAll(s => s.At >= sample.At || sample.At - s.At > Week + Hour);
        _samples.Add(sample);
        Thin(sample.At);
    }

    public GrowthRates Rates() => new(Over(_short), Over(Day), Over(Week));

    private TimeSpan SpacingAt(TimeSpan age) =>
        age <= _short ? _short / ShortSamples : age <= Day ? TimeSpan.FromMinutes(10) : TimeSpan.FromHours(1);

    private GrowthRate? Over(TimeSpan window)
    {
        if (_samples.Count < 2)
        {
            return null;
        }

        var newest = _samples[^1];
        var oldest = _samples.First(sample => newest.At - sample.At <= window);
        var covered = newest.At - oldest.At;
        return covered * LeastCoverage < window
            ? null
            : new GrowthRate((newest.WrittenBytes - oldest.WrittenBytes) / covered.TotalHours, (newest.UsedBytes - oldest.UsedBytes) / covered.TotalHours, covered);
    }

    private void Thin(DateTimeOffset now)
    {
        // From the oldest on: one is dropped when the one kept before it is nearer than the spacing of its age allows. The newest stays.
        var kept = 0;
        for (var i = 0; i < _samples.Count; i++)
        {
            if (kept == 0 || i == _samples.Count - 1 || _samples[i].At - _samples[kept - 1].At >= SpacingAt(now - _samples[i].At))
            {
                _samples[kept++] = _samples[i];
            }
        }

        _samples.RemoveRange(kept, _samples.Count - kept);
    }
}
