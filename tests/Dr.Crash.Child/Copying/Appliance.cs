using System.Diagnostics;
using System.Net.Sockets;
using Dr.Contracts.Errors;
using Dr.Contracts.Wire;
using Dr.Edge.Replication;
using Dr.Edge.Replication.Line;
using Dr.Edge.Replication.Line.Bandwidth;
using Dr.Edge.Replication.Mirror;
using Dr.Edge.Volumes;
using Dr.Edge.Volumes.Disk;
using Dr.Edge.Volumes.Retention;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Logging.Abstractions;

namespace Dr.Crash.Child.Copying;

/// <summary>One appliance without its host: a store on a real directory, a listener on loopback, and what it sends.</summary>
internal sealed class Appliance : IAsyncDisposable
{
    private static readonly TimeSpan ChildrenBecomeProgramsWithin = TimeSpan.FromSeconds(10);

    private readonly ReplicationListener _listener;
    private readonly TimeSpan _lull;

    private Appliance(VolumeSet set, CopyService copies, ReplicationListener listener, TimeSpan lull) => (Set, Copies, _listener, _lull) = (set, copies, listener, lull);

    public VolumeSet Set { get; }

    public CopyService Copies { get; }

    /// <summary>Where it listens.</summary>
    public string Address => _listener.EndPoint!.ToString();

    /// <param name="listen"><c>host:port</c>; port 0 takes a free one.</param>
    /// <param name="faults">What the disk does wrong; null = nothing.</param>
    /// <param name="lull">Between the store and its copies, at the start and at the end: what happens without them has the time to.</param>
    /// <param name="newestVersion">Of the protocol; null = all that this program speaks.</param>
    /// <param name="clock">What the store takes for now; null = the system's.</param>
    public static async Task<Appliance> OpenAsync(string directory, string name, string listen, ILoggerFactory logs, IMirrorLedger ledger, TimeProvider? clock = null, ReplicationTls? tls = null, int? newestVersion = null, StoreFaults? faults = null, TimeSpan lull = default)
    {
        var set = VolumeSet.Open(directory, clock ?? TimeProvider.System, faults ?? StoreFaults.None, NullLogger.Instance, EffectivePolicy.BuiltIn, isPaced: false, awaitsHolds: true);
        var identity = new NodeIdentity(Guid.NewGuid(), name) { NewestVersion = newestVersion ?? Hello.CurrentVersion };
        var copies = new CopyService(set, identity, ledger, new BandwidthBook(directory, [], TimeProvider.System), TimeProvider.System, logs.CreateLogger<CopyService>(), tls);
        var context = new TargetContext(set, new VolumeClaims(), identity, TimeProvider.System, logs.CreateLogger<TargetStream>()) { Tls = tls ?? ReplicationTls.Off };
        var listener = new ReplicationListener(new ReplicationConfig { Listen = listen }, context, logs.CreateLogger<ReplicationListener>());
        await ListenAsync(listener);
        await Task.Delay(lull);
        await copies.StartAsync(CancellationToken.None);
        return new Appliance(set, copies, listener, lull);
    }

    // Tests start processes side by side. Until the child of a fork has become its program it holds a copy of every socket, and so the address of a listener that was closed here just now.
    private static async Task ListenAsync(ReplicationListener listener)
    {
        var began = Stopwatch.GetTimestamp();
        while (true)
        {
            try
            {
                await listener.StartAsync(CancellationToken.None);
                return;
            }
            catch (DrException exception) when (exception.InnerException is SocketException { SocketErrorCode: SocketError.AddressAlreadyInUse } && Stopwatch.GetElapsedTime(began) < ChildrenBecomeProgramsWithin)
            {
                await Task.Delay(10);
            }
        }
    }

    public async ValueTask DisposeAsync()
    {
        await Copies.StopAsync(CancellationToken.None);
        await _listener.StopAsync(CancellationToken.None);
        _listener.Dispose();
        await Task.Delay(_lull);
        Set.Dispose();
    }
}
