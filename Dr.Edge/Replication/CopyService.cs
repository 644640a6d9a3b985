using Dr.Edge.Replication.Line;
using Dr.Edge.Replication.Line.Bandwidth;
using Dr.Edge.Replication.Mirror;
using Dr.Edge.Volumes;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;

namespace Dr.Edge.Replication;

/// <summary>Every copy that this appliance sends, and the connections they share. What commands, routes and the control plane call.</summary>
internal sealed class CopyService(VolumeSet volumes, NodeIdentity identity, IMirrorLedger ledger, BandwidthBook bandwidth, TimeProvider time, ILogger<CopyService> logger, ReplicationTls? tls = null) : IHostedLifecycleService, IAsyncDisposable
{
    /// <summary>Long enough for a copy that keeps up, short enough that a planned move does not hang on one that does not.</summary>
    private static readonly TimeSpan FinalPointPatience = TimeSpan.FromSeconds(10);

    /// <summary>Longer than a control plane in reach takes to record something.</summary>
    private static readonly TimeSpan RecordPatience = TimeSpan.FromSeconds(20);

    private readonly Lock _lock = new(); // Guards _copies, _peers, _barriers and the order in which settings files are written.
    private readonly SemaphoreSlim _changes = new(1, 1); // One change of the list at a time: file and memory stay the same.
    private readonly List<SourceCopy> _copies = [];
    private readonly Dictionary<string, PeerSession> _peers = [];
    private readonly Dictionary<VolumeId, SyncBarrier> _barriers = [];
    private Task _ending = Task.CompletedTask;
    private bool _started;
    private int _disposed;

    /// <summary>Before anything that serves clients: their first write waits for the mirrors as every other.</summary>
    public Task StartingAsync(CancellationToken cancellationToken) => StartAsync(cancellationToken);

    public Task StartAsync(CancellationToken cancellationToken)
    {
        if (_started)
        {
            return Task.CompletedTask;
        }

        _started = true;
        foreach (var volume in volumes.Volumes)
        {
            foreach (var settings in CopyFile.Read(volume.DirectoryPath))
            {
                Begin(volume, settings);
            }
        }

        volumes.Changed += OnVolumeChanged;

        // What the copies lack is held now.
        volumes.StartMaintenance();
        return Task.CompletedTask;
    }

    public Task StartedAsync(CancellationToken cancellationToken) => Task.CompletedTask;

    public Task StoppingAsync(CancellationToken cancellationToken) => Task.CompletedTask;

    public Task StoppedAsync(CancellationToken cancellationToken) => Task.CompletedTask;

    public async Task StopAsync(CancellationToken cancellationToken)
    {
        await _changes.WaitAsync(cancellationToken);
        try
        {
            volumes.Changed -= OnVolumeChanged;
            await _ending;

            // The holds end with the copies; what they held must still be there after a restart.
            volumes.StopMaintenance();

            // The list stays as it is while they end: each notes its last position in the file.
            await Task.WhenAll(All().Select(c => c.DisposeAsync().AsTask()));
            PeerSession[] peers;
            lock (_lock)
            {
                _copies.Clear();
                peers = [.. _peers.Values];
                _peers.Clear();
            }

            await Task.WhenAll(peers.Select(p => p.DisposeAsync().AsTask()));
        }
        finally
        {
            _changes.Release();
        }
    }

    /// <summary>More than once is normal: the container knows this object also as a hosted service.</summary>
    public async ValueTask DisposeAsync()
    {
        if (Interlocked.Exchange(ref _disposed, 1) != 0)
        {
            return;
        }

        await StopAsync(CancellationToken.None);
        _changes.Dispose();
    }

    /// <summary>All of them, as they are now.</summary>
    public IReadOnlyList<SourceCopy> Copies => All();

    /// <summary>The classes that copies can be put into.</summary>
    public BandwidthBook Bandwidth => bandwidth;

    public IReadOnlyList<SourceCopy> Of(Volume volume)
    {
        lock (_lock)
        {
            return [.. _copies.Where(c => c.Volume == volume)];
        }
    }

    public Task<SourceCopy> AddAsync(Volume volume, string peer, CopyMode mode, double? bandwidthMbps, CancellationToken cancellationToken) =>
        AddAsync(volume, peer, settings => settings with { Mode = mode, BandwidthMbps = bandwidthMbps }, cancellationToken);

    /// <summary>Adds a copy, or changes mode and options of the one that is there. Durable on return; the copy itself goes on in the background.</summary>
    /// <param name="configure">From the settings that are there (a stream without a limit for a new copy) to the wanted ones.</param>
    public async Task<SourceCopy> AddAsync(Volume volume, string peer, Func<CopySettings, CopySettings> configure, CancellationToken cancellationToken)
    {
        PeerAddress.Parse(peer);
        if (volume.Role == VolumeRole.Replica)
        {
            throw new DrException($"'{volume.Name}' is a replica here; a copy of a copy is not made.", "Add the copy at the primary.");
        }

        if (volume.Origin is not null)
        {
            throw new DrException($"'{volume.Name}' is a clone; clones are not copied.", "Copy the volume it came from.");
        }

        await _changes.WaitAsync(cancellationToken);
        try
        {
            if (Of(volume).FirstOrDefault(c => c.Settings.Peer == peer) is { } there)
            {
                Check(configure(there.Settings));
                there.Change(configure);
                Save(volume);
                return there;
            }

            var settings = Check(configure(new CopySettings { Peer = peer, Mode = CopyMode.Stream }));
            CopyFile.Write(volume.DirectoryPath, [.. Of(volume).Select(c => c.ToSaved()), settings]);
            return Begin(volume, settings);
        }
        finally
        {
            _changes.Release();
        }
    }

    /// <summary>Changes options of a copy that is there. Durable on return.</summary>
    public Task<SourceCopy> SetAsync(Volume volume, string peer, Func<CopySettings, CopySettings> configure, CancellationToken cancellationToken) =>
        Of(volume).Any(c => c.Settings.Peer == peer)
            ? AddAsync(volume, peer, configure, cancellationToken)
            : throw new DrException($"'{volume.Name}' has no copy at {peer}.", "Add it with 'dr-edge copy add'.");

    /// <summary>False when there is no such copy. The peer keeps what it has.</summary>
    public async Task<bool> RemoveAsync(Volume volume, string peer, CancellationToken cancellationToken)
    {
        await _changes.WaitAsync(cancellationToken);
        try
        {
            if (Of(volume).FirstOrDefault(c => c.Settings.Peer == peer) is not { } copy)
            {
                return false;
            }

            // Whoever believes it a mirror learns first that it is one no longer.
            copy.Change(settings => settings with { Mode = CopyMode.Stream });
            await ReleaseAsync(copy, cancellationToken);
            await EndAsync(copy);
            copy.Holds.Forget();
            Save(volume);
            return true;
        }
        finally
        {
            _changes.Release();
        }
    }

    /// <summary>Takes back what a command set of a bandwidth class. Durable on return.</summary>
    /// <exception cref="DrException">Copies use a class that would be gone, or no command had set it.</exception>
    public void ResetBandwidth(string name)
    {
        if (!Bandwidth.IsConfigured(name) && All().FirstOrDefault(c => c.Settings.BandwidthClass == name) is { } user)
        {
            throw new DrException($"The copy of '{user.Volume.Name}' at {user.Settings.Peer} is in the bandwidth class '{name}'.", "Put it into another with 'dr-edge copy set --class' first.");
        }

        if (!Bandwidth.Reset(name))
        {
            throw new DrException($"No command has set the bandwidth class '{name}'.", "See 'dr-edge bandwidth list'.");
        }
    }

    public Task<SequenceNumber> SyncAsync(Volume volume, string? peer, CancellationToken cancellationToken) => SyncAsync(volume, peer, first: false, cancellationToken);

    /// <summary>Waits until the peers (or the one named) have on their disks all that is appended now; returns the position.</summary>
    /// <param name="first">Until then they go before the others of their bandwidth class.</param>
    public async Task<SequenceNumber> SyncAsync(Volume volume, string? peer, bool first, CancellationToken cancellationToken)
    {
        var copies = Of(volume).Where(c => peer is null || c.Settings.Peer == peer).ToArray();
        if (copies.Length == 0)
        {
            throw new DrException($"'{volume.Name}' has no copy{(peer is null ? "" : $" at {peer}")}.", "See 'dr-edge copy status'.");
        }

        var upTo = volume.Appended;
        PointId? point = volume.Points is { Count: > 0 } points ? points[^1].Id : null;
        if (copies.Any(c => c.Settings.Mode == CopyMode.Delta) && (volume.Points.Count == 0 || volume.Points[^1].Sequence < upTo))
        {
            // Deltas go from point to point: without a new point nothing would ever go.
            var taken = volume.CreatePoint("sync", PointConsistency.Crash, "taken to bring the copies up to date");
            (upTo, point) = (taken.Sequence, taken.Id);
        }

        await Task.WhenAll(copies.Select(async copy =>
        {
            using var turn = first ? copy.Pace.GoFirst() : null;
            await copy.WaitDurableAsync(upTo, point, cancellationToken);
        }));
        return upTo;
    }

    /// <summary>
    /// Demotes, then gives the copies that can be reached a moment to take over the final point: the copy at the other end of a demotion is current. Returns the point and the peers that
    /// have it.
    /// </summary>
    public async Task<(PointInfo Point, IReadOnlyList<string> Holders)> DemoteAsync(Volume volume, Epoch epoch, CancellationToken cancellationToken)
    {
        var point = volume.Demote(epoch);
        using var patience = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        patience.CancelAfter(FinalPointPatience);
        var holders = new List<string>();
        foreach (var copy in Of(volume).Where(c => c.Progress.State is CopyState.Current or CopyState.CatchingUp))
        {
            try
            {
                using var turn = copy.Pace.GoFirst();
                await copy.WaitDurableAsync(point.Sequence, point.Id, patience.Token);
                holders.Add(copy.Settings.Peer);
            }
            catch (Exception exception) when (exception is DrException || (exception is OperationCanceledException && !cancellationToken.IsCancellationRequested))
            {
                // The demotion stands whatever the copies do; the answer says who has the point.
            }
        }

        return (point, holders);
    }

    private CopySettings Check(CopySettings settings)
    {
        BandwidthClass.CheckRate(settings.BandwidthMbps);
        if (settings.BandwidthClass is { } name)
        {
            bandwidth.Require(name);
        }

        return settings;
    }

    private static async Task ReleaseAsync(SourceCopy copy, CancellationToken cancellationToken)
    {
        using var patience = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        patience.CancelAfter(RecordPatience);
        try
        {
            await copy.Mirror.WaitReleasedAsync(patience.Token);
        }
        catch (OperationCanceledException) when (!cancellationToken.IsCancellationRequested)
        {
            throw new DrException(
                $"It could not be recorded within {RecordPatience.TotalSeconds:0} s that the copy at {copy.Settings.Peer} is no mirror any more; it follows as a stream now.",
                "Is the control plane in reach? Then remove the copy again.",
                isTransient: true);
        }
    }

    private SourceCopy[] All()
    {
        lock (_lock)
        {
            return [.. _copies];
        }
    }

    private SourceCopy Begin(Volume volume, CopySettings settings)
    {
        SourceCopy copy;
        lock (_lock)
        {
            if (!_peers.TryGetValue(settings.Peer, out var peer))
            {
                _peers.Add(settings.Peer, peer = new PeerSession(settings.Peer, identity, tls ?? ReplicationTls.Off, time, logger));
            }

            if (!_barriers.TryGetValue(volume.Id, out var barrier))
            {
                _barriers.Add(volume.Id, barrier = new SyncBarrier(volume, time));
                volume.Barrier = barrier;
            }

            copy = new SourceCopy(volume, settings, peer, barrier, ledger, bandwidth, time, c => Save(c.Volume), logger);
            _copies.Add(copy);
        }

        copy.Start();
        return copy;
    }

    private async Task EndAsync(SourceCopy copy)
    {
        PeerSession? unused = null;
        lock (_lock)
        {
            // Off the list first: what it notes while it ends must not bring it back into the file.
            _copies.Remove(copy);
            if (_copies.All(c => c.Settings.Peer != copy.Settings.Peer))
            {
                _peers.Remove(copy.Settings.Peer, out unused);
            }
        }

        await copy.DisposeAsync();
        if (unused is not null)
        {
            await unused.DisposeAsync();
        }
    }

    // A deleted volume's copies end with it; the peers keep theirs.
    private void OnVolumeChanged(Volume volume, bool added)
    {
        if (!added)
        {
            _ending = Task.WhenAll([_ending, .. Of(volume).Select(EndAsync)]);
        }
    }

    private void Save(Volume volume)
    {
        // Under the lock: two savers must not write an older list over a newer one.
        lock (_lock)
        {
            CopyFile.Write(volume.DirectoryPath, [.. _copies.Where(c => c.Volume == volume).Select(c => c.ToSaved())]);
        }
    }
}
