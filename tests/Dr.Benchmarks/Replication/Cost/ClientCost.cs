using System.Diagnostics;
using System.Globalization;
using Dr.Contracts.Mqtt;
using Dr.Edge.Replication;
using Dr.Edge.Volumes;

namespace Dr.Benchmarks.Replication.Cost;

/// <summary>
/// What clients pay for a copy: two volumes of one appliance, one with a copy and one without, are written in turns of half a second, so that whatever disturbs the disk or the processors meets both; the median of
/// the neighbours' ratios counts. In a third turn the volume without a copy is written beside a <see cref="TwinFile"/>: the bound that this machine sets.
/// </summary>
/// <param name="time">A quarter of it is how long each of the three is written in a round.</param>
/// <param name="apart">The far end is this program on this processor alone, and this process keeps to the others; null: both ends are in this process.</param>
internal sealed class ClientCost(
    string directory, string farDirectory, TimeSpan time, int rounds, int writers, IReadOnlyCollection<string> modes, int seed, (string Program, int Processor)? apart)
{
    private const long VolumeBytes = 256L << 20;
    private const int BlockBytes = 4096;
    private const int WritesPerFlush = 64;

    /// <summary>As often as a stream's far end.</summary>
    private static readonly TimeSpan FarFlushWithin = TimeSpan.FromMilliseconds(200);

    private const long FarFlushWithinBytes = 8L << 20;
    private static readonly TimeSpan Slice = TimeSpan.FromMilliseconds(500);
    private static readonly TimeSpan WarmUp = TimeSpan.FromSeconds(1);

    /// <summary>Each with its goal as a share of the IOPS without a copy.</summary>
    private static readonly (string Mode, string What, double Goal)[] Costs =
    [
        ("stream", "random-write IOPS (flush every 64) with a stream / without", 0.9),
        ("delta", "the same with a delta", 0.9),
        ("sync", "the same with a synchronous copy", 0.6),
    ];

    public static readonly string[] Modes = [.. Costs.Select(c => c.Mode)];

    public async Task<IReadOnlyList<CopyFigure>> RunAsync(Action<string> progress, CancellationToken cancellationToken)
    {
        if (apart is { } end)
        {
            await FarProcess.LeaveAsync(end.Processor, cancellationToken);
        }

        var slices = Modes.Where(modes.Contains).ToDictionary(mode => mode, _ => new List<Turn>());
        for (var round = 0; round < rounds; round++)
        {
            foreach (var (mode, turns) in slices)
            {
                await using var ends = await BothEnds.StartAsync(directory, farDirectory, apart, cancellationToken);
                turns.AddRange(await MeasureAsync(ends.Near, ends.FarAddress, mode, cancellationToken));
                progress(Describe(mode, turns));
            }
        }

        var figures = new List<CopyFigure>();
        foreach (var (mode, what, goal) in Costs.Where(c => slices.ContainsKey(c.Mode)))
        {
            figures.Add(new CopyFigure(what, Median(slices[mode], t => t.With.Iops / t.Without.Iops), "×", goal, AtLeast: true));
            if (slices[mode][0].Bound is not null)
            {
                figures.Add(new CopyFigure($"  bound: the same bytes to a plain file as a {mode} copy, no line and no store", Median(slices[mode], t => t.Bound!.Value.Iops / t.Without.Iops), "×", null, AtLeast: true));
            }
        }

        return figures;
    }

    private string Describe(string mode, List<Turn> turns)
    {
        string Of(string name, Func<Turn, Load> load) => string.Create(
            CultureInfo.InvariantCulture,
            $"{name} {Median(turns, t => load(t).Iops):0} IOPS (p50 {Median(turns, t => load(t).P50) * 1e6:0} µs, mean {1e6 * writers / Median(turns, t => load(t).Iops):0} µs, flush {Median(turns, t => load(t).Flush) * 1e3:0.0} ms, processor {Median(turns, t => load(t).Processor) * 1e6:0.0} µs a write)");

        var bound = turns[0].Bound is null ? "" : $"; {Of("bound", t => t.Bound!.Value)}";
        return $"{mode}: {Of("without", t => t.Without)}; {Of("with", t => t.With)}{bound}";
    }

    private async Task<IReadOnlyList<Turn>> MeasureAsync(BenchAppliance near, string address, string mode, CancellationToken cancellationToken)
    {
        using var noise = new Noise(seed);
        var (without, with) = (near.Set.Create("without", VolumeBytes), near.Set.Create("with", VolumeBytes));
        Fill(without, noise);
        Fill(with, noise);
        var copy = await near.CopyToAsync(with, address, Enum.Parse<CopyMode>(mode, ignoreCase: true), null, cancellationToken);
        await BenchAppliance.UntilCurrentAsync(copy, cancellationToken);
        using var twin = new TwinFile(farDirectory);

        // Code that has just begun to run is not compiled for speed yet, which is no part of what a copy costs.
        await WriteRandomlyAsync(without, null, WarmUp);
        await WriteRandomlyAsync(with, null, WarmUp);
        var turns = new List<Turn>();
        for (var left = time / 4; left > TimeSpan.Zero; left -= Slice)
        {
            var plain = await WriteRandomlyAsync(without, null, Slice);
            without.Flush();

            var running = mode == "delta" ? near.Copies.SyncAsync(with, null, cancellationToken) : Task.CompletedTask;
            var copied = await WriteRandomlyAsync(with, null, Slice);
            with.Flush();
            await running;
            if (mode != "delta")
            {
                await copy.WaitDurableAsync(with.Appended, null, cancellationToken);
            }

            turns.Add(new Turn(plain, copied, mode switch
            {
                "sync" => await WriteRandomlyAsync(without, twin, Slice),
                "stream" => await WriteBesideFollowerAsync(without, twin),
                _ => null,
            }));
            without.Flush();
        }

        return turns;
    }

    private async Task<Load> WriteBesideFollowerAsync(Volume volume, TwinFile twin)
    {
        using var done = new CancellationTokenSource();
        var following = Task.Factory.StartNew(
            () => twin.Follow(() => volume.Appended.Value * TwinFile.RecordBytes, FarFlushWithin, FarFlushWithinBytes, done.Token), TaskCreationOptions.LongRunning);
        var load = await WriteRandomlyAsync(volume, null, Slice);
        await done.CancelAsync();
        await following;
        return load;
    }

    /// <param name="twin">Gets every write and every flush too, before they are answered.</param>
    private async Task<Load> WriteRandomlyAsync(Volume volume, TwinFile? twin, TimeSpan limit)
    {
        var used = Environment.CpuUsage.TotalTime;
        var done = await Task.WhenAll(Enumerable.Range(0, writers).Select(writer => Task.Factory.StartNew(
            () =>
            {
                var random = new Random(seed + writer);
                var data = new byte[BlockBytes];
                random.NextBytes(data);
                var (writes, flushes) = (new List<double>(), new List<double>());
                for (var watch = Stopwatch.StartNew(); watch.Elapsed < limit;)
                {
                    var start = Stopwatch.GetTimestamp();
                    volume.Write([new WriteExtent(random.NextInt64(VolumeBytes / BlockBytes) * BlockBytes, BlockBytes, ExtentKind.Data, data)], forceUnitAccess: false);
                    twin?.Write();
                    var end = Stopwatch.GetTimestamp();
                    writes.Add(Stopwatch.GetElapsedTime(start, end).TotalSeconds);
                    if (writes.Count % WritesPerFlush == 0)
                    {
                        twin?.BeginFlush();
                        volume.Flush();
                        twin?.WaitFlushed();
                        flushes.Add(Stopwatch.GetElapsedTime(end).TotalSeconds);
                    }
                }

                return (Writes: writes, Flushes: flushes);
            },
            TaskCreationOptions.LongRunning)));
        used = Environment.CpuUsage.TotalTime - used;
        var (all, flushed) = (done.SelectMany(d => d.Writes).Order().ToList(), done.SelectMany(d => d.Flushes).DefaultIfEmpty().Order().ToList());
        return new Load(all.Count / limit.TotalSeconds, all[all.Count / 2], flushed[flushed.Count / 2], used.TotalSeconds / all.Count);
    }

    private static void Fill(Volume volume, Noise noise)
    {
        var data = new byte[1 << 20];
        for (long at = 0; at < 64L << 20; at += data.Length)
        {
            noise.Fill(data);
            volume.Write([new WriteExtent(at, data.Length, ExtentKind.Data, data)], forceUnitAccess: false);
        }

        volume.Flush();
    }

    private static double Median(List<Turn> turns, Func<Turn, double> figure) => turns.Select(figure).Order().ElementAt(turns.Count / 2);

    /// <summary>One half second of clients: per second, and times in seconds; the processor's per write, of all that this process did.</summary>
    private readonly record struct Load(double Iops, double P50, double Flush, double Processor);

    private readonly record struct Turn(Load Without, Load With, Load? Bound);
}
