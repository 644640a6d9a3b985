using System.Diagnostics;
using Dr.Contracts.Mqtt;
using Dr.Edge.Replication;
using Dr.Edge.Replication.Line.Bandwidth;
using Dr.Edge.Replication.Mirror;
using Dr.Edge.Volumes;
using Microsoft.Extensions.Logging.Abstractions;

namespace Dr.Benchmarks.Replication;

/// <summary>One end of the line in this process: a store on the measured disk, a listener on loopback, and what it sends.</summary>
internal sealed class BenchAppliance : IAsyncDisposable
{
    private readonly ReplicationListener _listener;
    private readonly string _directory;

    private BenchAppliance(string directory, VolumeSet set, CopyService copies, ReplicationListener listener) => (_directory, Set, Copies, _listener) = (directory, set, copies, listener);

    public VolumeSet Set { get; }

    public CopyService Copies { get; }

    public string Address => _listener.EndPoint!.ToString();

    public static async Task<BenchAppliance> StartAsync(string parent, string name)
    {
        var directory = Path.Combine(parent, $"dr-bench-{name}-{Guid.NewGuid():N}");
        Directory.CreateDirectory(directory);
        var set = VolumeSet.Open(directory, TimeProvider.System);
        var identity = new NodeIdentity(Guid.NewGuid(), name);
        var copies = new CopyService(set, identity, new NoLedger(), new BandwidthBook(directory, [], TimeProvider.System), TimeProvider.System, NullLogger<CopyService>.Instance);
        var context = new TargetContext(set, new VolumeClaims(), identity, TimeProvider.System, NullLogger<TargetStream>.Instance);
        var listener = new ReplicationListener(new ReplicationConfig { Listen = "127.0.0.1:0" }, context, NullLogger<ReplicationListener>.Instance);
        await listener.StartAsync(CancellationToken.None);
        await copies.StartAsync(CancellationToken.None);
        return new BenchAppliance(directory, set, copies, listener);
    }

    public Task<SourceCopy> CopyToAsync(Volume volume, BenchAppliance peer, CopyMode mode, double? megabits, CancellationToken cancellationToken) => CopyToAsync(volume, peer.Address, mode, megabits, cancellationToken);

    public async Task<SourceCopy> CopyToAsync(Volume volume, string address, CopyMode mode, double? megabits, CancellationToken cancellationToken)
    {
        var copy = await Copies.AddAsync(volume, address, mode, megabits, cancellationToken);
        await Copies.SyncAsync(volume, null, cancellationToken);
        return copy;
    }

    /// <summary>Until a copy is what its mode promises.</summary>
    public static async Task UntilCurrentAsync(SourceCopy copy, CancellationToken cancellationToken)
    {
        var watch = Stopwatch.StartNew();
        while (copy.ToStatus().State != CopyState.Current)
        {
            if (watch.Elapsed > TimeSpan.FromSeconds(60))
            {
                throw new BenchException($"The copy is not current after a minute: {copy.ToStatus()}");
            }

            await Task.Delay(20, cancellationToken);
        }
    }

    public async ValueTask DisposeAsync()
    {
        await Copies.StopAsync(CancellationToken.None);
        await _listener.StopAsync(CancellationToken.None);
        _listener.Dispose();
        Set.Dispose();
        Directory.Delete(_directory, recursive: true);
    }
}
