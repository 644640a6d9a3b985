using System.Globalization;
using System.Text.Json;
using Dr.Benchmarks.Background;
using Dr.Contracts.Mqtt;
using Dr.Edge.Nbd;
using Microsoft.Extensions.Logging.Abstractions;

namespace Dr.Benchmarks.Replication.Cost;

/// <summary>
/// What a client of one NBD connection, as a virtual machine has, pays for a copy: fio writes a volume with a copy and one without in turns of <see cref="TurnSeconds"/>, with many requests under way and with one. Unlike
/// <see cref="ClientCost"/>, where the writers call the store themselves, both sides of the ratio have the protocol, the sockets and fio's own work in them.
/// </summary>
/// <param name="apart">The far end is this program on this processor alone, and this process and fio keep to the others; null: both ends are in this process.</param>
internal sealed class NbdClientCost(string directory, string farDirectory, int rounds, IReadOnlyCollection<string> modes, int seed, (string Program, int Processor)? apart)
{
    private const long VolumeBytes = 256L << 20;
    private const int TurnSeconds = 2;
    private const int TurnsPerRound = 3;

    /// <summary>Each with the queue depths it is measured at and its goal as a share of the IOPS without a copy.</summary>
    private static readonly (CopyMode Mode, double Goal)[] Costs = [(CopyMode.Stream, 0.9), (CopyMode.Sync, 0.6)];

    private static readonly int[] Depths = [32, 1];

    public async Task<IReadOnlyList<CopyFigure>> RunAsync(Action<string> progress, CancellationToken cancellationToken)
    {
        if (apart is { } end)
        {
            await FarProcess.LeaveAsync(end.Processor, cancellationToken);
        }

        var figures = new List<CopyFigure>();
        foreach (var (mode, goal) in Costs.Where(c => modes.Contains(c.Mode.ToString(), StringComparer.OrdinalIgnoreCase)))
        {
            await using var ends = await BothEnds.StartAsync(directory, farDirectory, apart, cancellationToken);
            var near = ends.Near;
            near.Set.Create("without", VolumeBytes);
            var copy = await near.CopyToAsync(near.Set.Create("with", VolumeBytes), ends.FarAddress, mode, null, cancellationToken);
            await BenchAppliance.UntilCurrentAsync(copy, cancellationToken);
            var socket = Path.Combine(Path.GetTempPath(), $"dr-bench-{Guid.NewGuid():N}.sock");
            using var server = new NbdServer(near.Set, new NbdConfig { Socket = socket }, new NbdLimits(), TimeProvider.System, NullLogger<NbdServer>.Instance);
            await server.StartAsync(cancellationToken);
            try
            {
                await WriteAsync(socket, "without", Depths[0], 0, cancellationToken);
                await WriteAsync(socket, "with", Depths[0], 0, cancellationToken);
                foreach (var depth in Depths)
                {
                    var (with, without) = (new List<Turn>(), new List<Turn>());
                    for (var turn = 0; turn < rounds * TurnsPerRound; turn++)
                    {
                        without.Add(await WriteAsync(socket, "without", depth, turn, cancellationToken));
                        with.Add(await WriteAsync(socket, "with", depth, turn, cancellationToken));
                    }

                    var ratios = PairedRatios.Of([.. with.Select(t => t.Iops)], [.. without.Select(t => t.Iops)]);
                    progress(string.Create(
                        CultureInfo.InvariantCulture,
                        $"{mode} over NBD at queue depth {depth}: without {Median(without, t => t.Iops):0} IOPS (p50 {Median(without, t => t.P50):0} µs), with {Median(with, t => t.Iops):0} IOPS (p50 {Median(with, t => t.P50):0} µs); ratio {ratios.Median:0.00} ({ratios.Low:0.00}-{ratios.High:0.00}, {ratios.Pairs} pairs)"));
                    figures.Add(new CopyFigure($"random-write IOPS of one NBD client at queue depth {depth}, with a {mode.ToString().ToLowerInvariant()} copy / without", ratios.Median, "×", goal, AtLeast: true));
                }
            }
            finally
            {
                await server.StopAsync(CancellationToken.None);
            }
        }

        return figures;
    }

    private async Task<Turn> WriteAsync(string socket, string volume, int depth, int turn, CancellationToken cancellationToken)
    {
        var output = await ChildProcess.RunAsync(
            "fio",
            [
                "--name=copy", "--output-format=json", "--ioengine=nbd", $"--uri=nbd+unix:///{volume}?socket={socket}", "--rw=randwrite", "--bs=4k", "--norandommap=1", $"--iodepth={depth}", $"--size={VolumeBytes}",
                "--time_based", $"--runtime={TurnSeconds}", $"--randseed={seed + turn + 1}",
            ],
            cancellationToken);
        using var json = JsonDocument.Parse(output[output.IndexOf('{', StringComparison.Ordinal)..]);
        var write = json.RootElement.GetProperty("jobs")[0].GetProperty("write");
        return new Turn(write.GetProperty("iops").GetDouble(), write.GetProperty("clat_ns").GetProperty("percentile").GetProperty("50.000000").GetDouble() / 1000);
    }

    private static double Median(List<Turn> turns, Func<Turn, double> figure) => turns.Select(figure).Order().ElementAt(turns.Count / 2);

    private readonly record struct Turn(double Iops, double P50);
}
