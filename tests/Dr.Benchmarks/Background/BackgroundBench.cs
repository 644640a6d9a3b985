using System.Globalization;
using System.Text.Json;
using Dr.Edge.Nbd;
using Dr.Edge.Volumes;
using Dr.Edge.Volumes.Disk;
using Dr.Edge.Volumes.Retention;
using Microsoft.Extensions.Logging.Abstractions;

namespace Dr.Benchmarks.Background;

/// <summary>One volume behind our NBD server in this process, a fio beside it, and work in the background that is switched on and off between fio's runs.</summary>
internal sealed class BackgroundBench : IAsyncDisposable
{
    private const int Depth = 16;
    private readonly string _directory;
    private readonly VolumeSet _set;
    private readonly Volume _volume;
    private readonly NbdServer _server;
    private readonly string _socket;

    private BackgroundBench(string directory, long sizeBytes)
    {
        _directory = directory;
        _socket = Path.Combine(directory, "nbd");

        // Nothing is kept for its own sake, so that what is merged is there when it is wanted; paced as in production.
        _set = VolumeSet.Open(Path.Combine(directory, "data"), TimeProvider.System, StoreFaults.None, NullLogger.Instance, EffectivePolicy.BuiltIn with { FineWindow = TimeSpan.Zero }, isPaced: true);
        _volume = _set.Create("bench", sizeBytes);
        _server = new NbdServer(_set, new NbdConfig { Socket = _socket }, new NbdLimits(), TimeProvider.System, NullLogger<NbdServer>.Instance);
    }

    public static async Task<BackgroundBench> OpenAsync(string parent, long sizeBytes, CancellationToken cancellationToken)
    {
        var directory = Path.Combine(Path.GetFullPath(parent), $"dr-bench-background-{Guid.NewGuid():N}");
        Directory.CreateDirectory(directory);
        var bench = new BackgroundBench(directory, sizeBytes);
        await bench._server.StartAsync(cancellationToken);
        return bench;
    }

    /// <summary>Pairs of runs, each without the work first in even pairs and with it first in odd ones. Short and many: what else the machine does changes slowly, and both halves of a pair see the same of it.</summary>
    public async Task<CostLine> RunAsync(string name, string pattern, int pairs, int seconds, CancellationToken cancellationToken)
    {
        using var work = BackgroundWork.Create(name, _set, _volume, _socket);
        await work.PrepareAsync(cancellationToken);
        await FioAsync(pattern, 1, round: 99, cancellationToken);
        var (without, with) = (new List<FioRun>(), new List<FioRun>());
        for (var pair = 0; pair < pairs; pair++)
        {
            await work.ReadyAsync(cancellationToken);
            for (var half = 0; half < 2; half++)
            {
                if ((pair + half) % 2 == 0)
                {
                    without.Add(await FioAsync(pattern, seconds, pair, cancellationToken));
                    continue;
                }

                work.Begin();
                with.Add(await FioAsync(pattern, seconds, pair, cancellationToken));
                await work.EndAsync();
            }
        }

        return new CostLine(
            Median(without.Select(run => run.Rate)),
            Median(with.Select(run => run.Rate)),
            PairedRatios.Of([.. with.Select(run => run.Rate)], [.. without.Select(run => run.Rate)]),
            Median(without.Select(run => run.Processor)),
            Median(with.Select(run => run.Processor)),
            work.Done);
    }

    public async ValueTask DisposeAsync()
    {
        await _server.StopAsync(CancellationToken.None);
        _server.Dispose();
        _set.Dispose();
        Directory.Delete(_directory, recursive: true);
    }

    private async Task<FioRun> FioAsync(string pattern, int seconds, int round, CancellationToken cancellationToken)
    {
        using var self = System.Diagnostics.Process.GetCurrentProcess();
        var before = self.TotalProcessorTime;
        var output = await ChildProcess.RunAsync(
            "fio",
            [
                "--name=bench", "--output-format=json", "--ioengine=nbd", $"--uri=nbd+unix:///bench?socket={_socket}", $"--rw={pattern}", "--bs=4k", Invariant($"--iodepth={Depth}"), "--norandommap=1",
                "--refill_buffers=0", "--time_based=1", Invariant($"--runtime={seconds}"), Invariant($"--size={_volume.SizeBytes}"), Invariant($"--randseed={round + 1}"),
            ],
            cancellationToken);
        using var json = JsonDocument.Parse(output[output.IndexOf('{', StringComparison.Ordinal)..]);
        var job = json.RootElement.GetProperty("jobs")[0];
        self.Refresh();
        var requests = job.GetProperty("read").GetProperty("total_ios").GetDouble() + job.GetProperty("write").GetProperty("total_ios").GetDouble();
        return new FioRun(
            job.GetProperty("read").GetProperty("iops").GetDouble() + job.GetProperty("write").GetProperty("iops").GetDouble(), (self.TotalProcessorTime - before).TotalMicroseconds / requests);
    }

    private static double Median(IEnumerable<double> values)
    {
        var sorted = values.Order().ToArray();
        return (sorted[sorted.Length / 2] + sorted[(sorted.Length - 1) / 2]) / 2;
    }

    private static string Invariant(FormattableString text) => text.ToString(CultureInfo.InvariantCulture);
}

/// <param name="Rate">Operations a second.</param>
/// <param name="Processor">Microseconds of processor time of server, store and work together for each.</param>
internal readonly record struct FioRun(double Rate, double Processor);

/// <param name="Without">Operations a second while nothing else is done.</param>
/// <param name="Done">What the work got done in all the runs with it, in words: that it was there at all.</param>
internal sealed record CostLine(double Without, double With, PairedRatios Ratios, double ProcessorWithout, double ProcessorWith, string Done);
