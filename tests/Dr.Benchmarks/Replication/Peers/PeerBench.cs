using System.Globalization;
using Dr.Contracts.Mqtt;
using Dr.Edge.Cli;

namespace Dr.Benchmarks.Replication.Peers;

/// <summary>
/// Bytes on the wire for a stretch of pgbench on PostgreSQL on a file system on our volume: our copies of that volume in each mode, then others with the images of its two points. Ours are counted by a
/// relay between the two appliances, both directions.
/// </summary>
/// <param name="keep">Where the images of the two points are left, for <see cref="PackingCost"/>; null: nowhere.</param>
internal sealed class PeerBench(string directory, string program, int scale, TimeSpan time, string? keep)
{
    private const long VolumeBytes = 1L << 30;
    private const string Volume = "bench";

    /// <summary>At which a delta is compressed against its base; what the peers send does not depend on a rate.</summary>
    private const double LineMegabits = 40;

    private static readonly TimeSpan WarmUp = TimeSpan.FromSeconds(5);

    public async Task<IReadOnlyList<CopyFigure>> RunAsync(Action<string> progress, CancellationToken cancellationToken)
    {
        var work = Path.Combine(directory, $"dr-bench-peers-{Guid.NewGuid():N}");
        Directory.CreateDirectory(work);
        try
        {
            var (before, after) = (Path.Combine(work, PackingCost.Before), Path.Combine(work, PackingCost.After));
            var ours = await RunLoadAsync(work, before, after, progress, cancellationToken);
            progress("peers: packing");
            PackingCost.Measure(before, after, progress);
            if (keep is not null)
            {
                Directory.CreateDirectory(keep);
                File.Copy(before, Path.Combine(keep, PackingCost.Before), overwrite: true);
                File.Copy(after, Path.Combine(keep, PackingCost.After), overwrite: true);
            }

            var peers = await new ImagePeers(work, before, after).MeasureAsync(progress, cancellationToken);
            foreach (var (name, bytes) in ours.Concat(peers.Select(peer => (peer.Name, peer.Bytes))))
            {
                progress(string.Create(CultureInfo.InvariantCulture, $"  {bytes / 1e6,8:0.00} MB  {name}"));
            }

            var best = peers.Where(peer => peer.IsNamed).MinBy(peer => peer.Bytes);
            return [.. ours.Select(our => new CopyFigure($"wire bytes of {time.TotalSeconds:0} s of pgbench, {our.Name} / {best.Name}", (double)our.Bytes / best.Bytes, "×", 0.5, AtLeast: false))];
        }
        finally
        {
            Directory.Delete(work, recursive: true);
        }
    }

    private async Task<IReadOnlyList<(string Name, long Bytes)>> RunLoadAsync(string work, string before, string after, Action<string> progress, CancellationToken cancellationToken)
    {
        progress("peers: filling the database");
        var socket = Path.Combine(work, "nbd");
        var peer = new EdgePeer(program);
        await using var near = await peer.StartAsync(Path.Combine(work, "near"), socket, VolumeBytes, cancellationToken);
        await using var slow = await Far.StartAsync(program, work, "slow", double.MaxValue, cancellationToken);
        await using var narrow = await Far.StartAsync(program, work, "narrow", LineMegabits * 1e6 / 8, cancellationToken);
        await using var fast = await Far.StartAsync(program, work, "fast", double.MaxValue, cancellationToken);
        await using var stream = await Far.StartAsync(program, work, "stream", double.MaxValue, cancellationToken);
        (string Name, Far Far, string Mode)[] ours =
        [
            ($"delta limited to {LineMegabits:0} Mbit/s", slow, "delta"), ($"delta without a limit, line of {LineMegabits:0} Mbit/s", narrow, "delta"), ("delta without a limit, loopback", fast, "delta"), ("stream", stream, "stream"),
        ];
        await using (var database = await Database.StartAsync(peer.Uri(socket), work, near, cancellationToken))
        {
            await database.FillAsync(scale, cancellationToken);
            await database.RunLoadAsync(DatabaseRunner.Clients, WarmUp, cancellationToken);

            // As a database stands that has been running for longer than since it was loaded.
            await database.ExecuteAsync("CHECKPOINT", cancellationToken);
            await database.SyncAsync(cancellationToken);
            var first = await PointAsync(socket, cancellationToken);
            foreach (var (_, far, mode) in ours)
            {
                await EdgeAsync(near, socket, ["copy", "add", Volume, "--peer", far.Relay.Address, "--mode", mode], cancellationToken);
            }

            await EdgeAsync(near, socket, ["copy", "sync", Volume], cancellationToken);
            await EdgeAsync(near, socket, ["copy", "set", Volume, "--peer", slow.Relay.Address, "--bandwidth", LineMegabits.ToString(CultureInfo.InvariantCulture)], cancellationToken);
            var start = ours.Select(our => our.Far.Relay.Bytes).ToArray();
            progress("peers: pgbench");
            var said = await database.RunLoadAsync(DatabaseRunner.Clients, time, cancellationToken);
            progress(string.Create(CultureInfo.InvariantCulture, $"  {DatabaseRunner.Number(said, "tps = "):0} transactions a second, scale {scale}"));
            await database.SyncAsync(cancellationToken);
            var second = await PointAsync(socket, cancellationToken);
            await EdgeAsync(near, socket, ["copy", "sync", Volume], cancellationToken);
            var bytes = ours.Select((our, i) => our.Far.Relay.Bytes - start[i]).ToArray();
            foreach (var (point, image) in new[] { (first, before), (second, after) })
            {
                await ChildProcess.RunAsync("nbdcopy", ["--", $"nbd+unix:///{Volume}@{point}?socket={socket}", image], cancellationToken, near);
            }

            return [.. ours.Select((our, i) => ($"our {our.Name}", bytes[i]))];
        }
    }

    private static async Task<string> PointAsync(string socket, CancellationToken cancellationToken)
    {
        using var client = new ControlClient(EdgePeer.ControlOf(socket));
        return (await client.PostAsync<PointInfo>($"volumes/{Volume}/points", new CreatePointRequest(null), cancellationToken)).Id.Value;
    }

    private Task EdgeAsync(ChildProcess near, string socket, string[] arguments, CancellationToken cancellationToken) =>
        ChildProcess.RunAsync(program, [.. arguments, "--control", EdgePeer.ControlOf(socket)], cancellationToken, near);

    /// <summary>An appliance that receives, behind a relay.</summary>
    private sealed class Far(FarProcess process, CountingRelay relay) : IAsyncDisposable
    {
        public CountingRelay Relay => relay;

        public static async Task<Far> StartAsync(string program, string work, string name, double bytesPerSecond, CancellationToken cancellationToken)
        {
            var process = await FarProcess.StartAsync(program, work, name, null, cancellationToken);
            return new Far(process, new CountingRelay(process.Address, bytesPerSecond));
        }

        public async ValueTask DisposeAsync()
        {
            await relay.DisposeAsync();
            await process.DisposeAsync();
        }
    }
}
