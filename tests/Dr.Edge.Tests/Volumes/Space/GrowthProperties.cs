using CsCheck;
using Dr.Contracts.Ids;
using Dr.Contracts.Mqtt;
using Dr.Edge.Volumes;
using Dr.Edge.Volumes.Space;

namespace Dr.Edge.Tests.Volumes.Space;

public sealed class GrowthProperties
{
    private static readonly DateTimeOffset Start = new(2026, 3, 1, 0, 0, 0, TimeSpan.Zero);

    [Fact]
    public void Steady_growth_is_measured_rightly_over_every_window_that_is_covered() =>
        Gen.Select(Gen.Int[1, 400], Gen.Long[0, 1 << 30], Gen.Long[-(1 << 20), 1 << 20], Gen.Int[1, 50]).Sample(
            (hours, written, grown, jitter) =>
            {
                var series = new GrowthSeries();
                var random = new Random(jitter);
                var at = Start;
                while (at < Start + TimeSpan.FromHours(hours))
                {
                    var elapsed = (at - Start).TotalHours;
                    series.Add(new GrowthSample(at, (long)(written * elapsed), (1L << 40) + (long)(grown * elapsed)));
                    at += TimeSpan.FromMinutes(random.Next(1, 30));
                }

                series.Samples.Count.ShouldBeLessThan(400);
                foreach (var rate in series.Rates().Known)
                {
                    rate.WrittenPerHour.ShouldBe(written, (written * 0.001) + 10);
                    rate.GrowthPerHour.ShouldBe(grown, (Math.Abs(grown) * 0.001) + 10);
                }

                var rates = series.Rates();
                (rates.Week is not null).ShouldBe((series.Samples[^1].At - series.Samples[0].At) * 12 >= TimeSpan.FromDays(7));
            },
            iter: 300);

    [Fact]
    public void A_clock_that_goes_back_forgets_what_lies_ahead_of_it()
    {
        var series = new GrowthSeries();
        series.Add(new GrowthSample(Start, 0, 0));
        series.Add(new GrowthSample(Start.AddHours(5), 500, 500));
        series.Add(new GrowthSample(Start.AddHours(1), 100, 100));
        series.Samples.Select(sample => sample.At).ShouldBe([Start, Start.AddHours(1)]);
        series.Rates().Hour!.WrittenPerHour.ShouldBe(100);
    }

    [Fact]
    public void The_worst_trend_decides_when_the_disk_is_full()
    {
        GrowthRate PerHour(double growth) => new(growth, growth, TimeSpan.FromHours(1));
        FullForecast.Predict(1000, new GrowthRates(PerHour(10), PerHour(100), PerHour(1))).ShouldBe(TimeSpan.FromHours(10));
        FullForecast.Predict(1000, new GrowthRates(PerHour(-10), PerHour(0), null)).ShouldBeNull();
        FullForecast.Predict(0, GrowthRates.Unknown).ShouldBe(TimeSpan.Zero);
        FullForecast.Predict(1L << 60, new GrowthRates(PerHour(1), null, null)).ShouldBeNull();
    }

    [Fact]
    public void Alarms_are_raised_at_once_and_never_flutter() =>
        Gen.Select(Gen.Long[0, 200], Gen.Frequency((1, Gen.Const(-1.0)), (4, Gen.Double[0, 20])), Gen.Int[1, 7]).List[1, 100].Sample(
            history =>
            {
                var limits = new SpaceLimits(10);
                var state = AlarmState.Initial;
                var now = Start;
                
                DateTimeOffset worseAt = default;
                foreach (var (available, days, minutes) in history)
                {
                    now += TimeSpan.FromMinutes(minutes);
                    TimeSpan? fullIn = days < 0 ? null : TimeSpan.FromDays(days);
                    var before = state.Level;
                    state = SpaceAlarm.Next(state, now, available, limits, fullIn);
                    var least = available < 10 ? SpaceLevel.Full : available < 30 || days is >= 0 and <= 1 ? SpaceLevel.Critical : available < 120 || days is >= 0 and <= 7 ? SpaceLevel.Warning : SpaceLevel.Ample;
                    ((int)state.Level).ShouldBeGreaterThanOrEqualTo((int)least);
                    if (least >= before)
                    {
                        worseAt = now;
                    }

                    if (state.Level < before)
                    {
                        (now - worseAt).ShouldBeGreaterThanOrEqualTo(SpaceAlarm.CalmFor);
                        
                    }
                }
            },
            iter: 10_000);

    [Fact]
    public void Runs_are_counted_as_if_block_by_block() =>
        Gen.Select(Runs, Runs, Runs).Sample(
            (a, b, c) =>
            {
                var (x, y, z) = (Blocks(a), Blocks(b), Blocks(c));
                BlockRuns.CountCommon(a, b).ShouldBe(x.Intersect(y).Count());
                var union = BlockRuns.Union([a, b, c]).ToList();
                union.Sum(run => run.Count).ShouldBe(x.Union(y).Union(z).Count());
                union.Zip(union.Skip(1)).ShouldAllBe(pair => pair.First.First + pair.First.Count <= pair.Second.First);
            },
            iter: 10_000);

    [Fact]
    public void Of_the_points_automatic_ones_go_first_and_labelled_ones_last()
    {
        PointInfo Point(long sequence, string? label, string? reason) =>
            new() { Id = PointId.From(Start.AddSeconds(sequence), 1), At = Start.AddSeconds(sequence), Sequence = new SequenceNumber(sequence), Label = label, Reason = reason };
        var points = new List<PointInfo> { Point(1, "before upgrade", null), Point(2, null, null), Point(3, null, "automatic"), Point(4, null, null), Point(5, null, "automatic") };
        var order = new List<long>();
        while (GiveWayPlan.Next(points, point => point.Reason == "automatic", oldestFirst: false) is { } next)
        {
            order.Add(next.Sequence.Value);
            points.Remove(next);
        }

        order.ShouldBe([3, 5, 2, 4, 1]);
    }

    [Fact]
    public void What_is_known_of_growth_survives_and_a_damaged_book_is_not_believed()
    {
        var book = new SpaceBook { FileSystem = [new GrowthSample(Start, 1, 2)], Volumes = new Dictionary<string, IReadOnlyList<GrowthSample>> { ["v"] = [new GrowthSample(Start, 3, 4)] }, Alarm = new AlarmState(SpaceLevel.Warning, Start) };
        var content = book.Encode();
        var read = SpaceBook.Parse(content)!;
        read.FileSystem.ShouldBe(book.FileSystem);
        read.Volumes["v"].ShouldBe(book.Volumes["v"]);
        read.Alarm.ShouldBe(book.Alarm);
        for (var i = 0; i < content.Length; i++)
        {
            var damaged = content.ToArray();
            damaged[i] ^= 0x10;
            SpaceBook.Parse(damaged).ShouldBeNull();
        }
    }

    private static Gen<List<BlockRange>> Runs => Gen.Select(Gen.Int[0, 4], Gen.Int[1, 5]).List[0, 12].Select(parts =>
    {
        var runs = new List<BlockRange>();
        long next = 0;
        foreach (var (gap, count) in parts)
        {
            runs.Add(new BlockRange(next + gap, count));
            next += gap + count;
        }

        return runs;
    });

    private static HashSet<long> Blocks(List<BlockRange> runs) => [.. runs.SelectMany(run => Enumerable.Range((int)run.First, (int)run.Count).Select(block => (long)block))];
}
