using System.Diagnostics;
using Dr.Benchmarks.Replication.Cost;
using Dr.Contracts.Mqtt;
using Dr.Edge.Replication;
using Dr.Edge.Volumes;

namespace Dr.Benchmarks.Replication;

/// <summary>What a copy costs and how fast it is, both ends on this machine over loopback and, unless said otherwise, in this process. Each figure is made on volumes of its own.</summary>
/// <param name="apart">For the clients' cost: the far end is this program on this processor alone, and this process keeps to the others; null: both ends are in this process.</param>
/// <param name="modes">What clients' cost is measured with beside no copy, of <see cref="ClientCost.Modes"/>.</param>
internal sealed class ReplicationBench(string directory, string farDirectory, TimeSpan time, int rounds, int writers, IReadOnlyCollection<string> modes, int seed, (string Program, int Processor)? apart = null) : IDisposable
{
    private const long VolumeBytes = 256L << 20;
    private const int BlockBytes = 4096;
    private const int UnitBytes = 512;

    /// <summary>The median counts: the first rounds meet code that is not compiled for speed yet, as no appliance's are after its first minute.</summary>
    private const int DeltaRounds = 7;

    private readonly Random _random = new(seed);
    private readonly Noise _noise = new(seed);

    public static readonly string[] Parts = ["wire", "slow-line", "delta", "lag", "clients", "nbd-clients"];

    public async Task<IReadOnlyList<CopyFigure>> RunAsync(IReadOnlyCollection<string> wanted, Action<string> progress, CancellationToken cancellationToken)
    {
        var figures = new List<CopyFigure>();
        (string, Func<CancellationToken, Task<IReadOnlyList<CopyFigure>>>)[] parts =
        [
            ("wire", WireBytesAsync),
            ("slow-line", SlowLineAsync),
            ("delta", DeltaAsync),
            ("lag", LagAsync),
            ("clients", token => new ClientCost(directory, farDirectory, time, rounds, writers, modes, seed, apart).RunAsync(progress, token)),
            ("nbd-clients", token => new NbdClientCost(directory, farDirectory, rounds, modes, seed, apart).RunAsync(progress, token)),
        ];
        foreach (var (name, part) in parts.Where(p => wanted.Contains(p.Item1)))
        {
            progress(name);
            figures.AddRange(await part(cancellationToken));
        }

        return figures;
    }

    public void Dispose() => _noise.Dispose();

    // Single units of incompressible content in random blocks: what a database's small changes look like at their worst.
    private Task<IReadOnlyList<CopyFigure>> WireBytesAsync(CancellationToken cancellationToken) => WithPairAsync(
        async (near, far, volume) =>
        {
            Fill(volume, 64L << 20);
            var copy = await near.CopyToAsync(volume, far, CopyMode.Delta, null, cancellationToken);
            var before = copy.ToStatus().WireBytes;
            var units = 16_384;
            var places = new HashSet<long>();
            var data = new byte[UnitBytes];
            while (places.Count < units)
            {
                var place = _random.NextInt64(VolumeBytes / UnitBytes);
                if (places.Add(place))
                {
                    _noise.Fill(data);
                    Write(volume, place * UnitBytes, data);
                }
            }

            await near.Copies.SyncAsync(volume, null, cancellationToken);
            return [new CopyFigure("wire bytes / changed 512-byte units, incompressible, single units", (double)(copy.ToStatus().WireBytes - before) / (units * UnitBytes), "×", 1.15, AtLeast: false)];
        });

    private Task<IReadOnlyList<CopyFigure>> SlowLineAsync(CancellationToken cancellationToken) => WithPairAsync(
        async (near, far, volume) =>
        {
            Fill(volume, 16L << 20);
            await near.CopyToAsync(volume, far, CopyMode.Delta, null, cancellationToken);
            await near.Copies.AddAsync(volume, far.Address, CopyMode.Delta, 5, cancellationToken);
            var data = new byte[BlockBytes];
            for (var i = 0; i < (7 << 20) / BlockBytes; i++)
            {
                _noise.Fill(data);
                Write(volume, _random.NextInt64(VolumeBytes / BlockBytes) * BlockBytes, data);
            }

            var watch = Stopwatch.StartNew();
            await near.Copies.SyncAsync(volume, null, cancellationToken);
            return [new CopyFigure("7 MiB of incompressible changes at 5 Mbit/s", watch.Elapsed.TotalSeconds, "s", 12, AtLeast: false)];
        });

    private Task<IReadOnlyList<CopyFigure>> DeltaAsync(CancellationToken cancellationToken) => WithPairAsync(
        async (near, far, volume) =>
        {
            Fill(volume, VolumeBytes);
            await near.CopyToAsync(volume, far, CopyMode.Delta, null, cancellationToken);
            var rates = new List<double>();
            for (var round = 0; round < DeltaRounds; round++)
            {
                // The flush beside it, so that a disturbance of the disk shows in both.
                Fill(volume, VolumeBytes / 2);
                var watch = Stopwatch.StartNew();
                await near.Copies.SyncAsync(volume, null, cancellationToken);
                rates.Add(VolumeBytes / 2 / 1e6 / watch.Elapsed.TotalSeconds);
            }

            rates.Sort();
            return [new CopyFigure("delta scan and apply, changed data, both ends on this machine", rates[rates.Count / 2], "MB/s", 400, AtLeast: true)];
        });

    private Task<IReadOnlyList<CopyFigure>> LagAsync(CancellationToken cancellationToken) => WithPairAsync(
        async (near, far, volume) =>
        {
            Fill(volume, 16L << 20);
            var copy = await near.CopyToAsync(volume, far, CopyMode.Stream, null, cancellationToken);
            var written = new Queue<(long Sequence, long At)>();
            var lags = new List<double>();
            var data = new byte[BlockBytes];
            var watch = Stopwatch.StartNew();
            for (long bytes = 0; watch.Elapsed < time; bytes += BlockBytes)
            {
                while (bytes > watch.Elapsed.TotalSeconds * 20e6)
                {
                    Collect(copy, written, lags);
                    await Task.Delay(1, cancellationToken);
                }

                _noise.Fill(data);
                Write(volume, _random.NextInt64(VolumeBytes / BlockBytes) * BlockBytes, data);
                written.Enqueue((volume.Appended.Value, Stopwatch.GetTimestamp()));
            }

            await near.Copies.SyncAsync(volume, null, cancellationToken);
            Collect(copy, written, lags);
            lags.Sort();
            return [new CopyFigure("stream lag p99 under 20 MB/s of random 4 KiB writes", lags[(int)(lags.Count * 0.99)], "s", 1, AtLeast: false)];
        });

    private static void Collect(SourceCopy copy, Queue<(long Sequence, long At)> written, List<double> lags)
    {
        var durable = copy.Progress.Durable.Value;
        while (written.TryPeek(out var next) && next.Sequence <= durable)
        {
            lags.Add(Stopwatch.GetElapsedTime(written.Dequeue().At).TotalSeconds);
        }
    }

    private void Fill(Volume volume, long bytes)
    {
        var data = new byte[1 << 20];
        for (long at = 0; at < bytes; at += data.Length)
        {
            _noise.Fill(data);
            Write(volume, at, data);
        }

        volume.Flush();
    }

    private static void Write(Volume volume, long offset, byte[] data) => volume.Write([new WriteExtent(offset, data.Length, ExtentKind.Data, data)], forceUnitAccess: false);

    private async Task<IReadOnlyList<CopyFigure>> WithPairAsync(Func<BenchAppliance, BenchAppliance, Volume, Task<IReadOnlyList<CopyFigure>>> measure)
    {
        await using var near = await BenchAppliance.StartAsync(directory, "near");
        await using var far = await BenchAppliance.StartAsync(farDirectory, "far");
        return await measure(near, far, near.Set.Create("v", VolumeBytes));
    }
}
