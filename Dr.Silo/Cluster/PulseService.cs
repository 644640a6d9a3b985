using System.Collections.Concurrent;
using Dr.Contracts.Hosting;
using Dr.Silo.Decisions.Cluster;
using Dr.Silo.Ingress;
using Dr.Silo.Storage;
using Orleans.Runtime;

namespace Dr.Silo.Cluster;

/// <summary>
/// Keeps this silo honest within its cluster: asks the others what they reach and shares the partitions of devices out accordingly; has itself declared dead when it lost the database
/// and others did not; and looks at the membership table at once after it stood still, because it may have been declared dead meanwhile.
/// </summary>
internal sealed partial class PulseService(
    Database database,
    OwnPulse own,
    ClusterShare share,
    SiloPulseClient client,
    IClusterMembershipService membership,
    ILocalSiloDetails local,
    TimeProvider time,
    ILogger<PulseService> logger) : BackgroundService
{
    /// <summary>A peer or the database that takes longer than this did not answer in this round.</summary>
    private static readonly TimeSpan AnswerLimit = PulseRules.Period * 2;

    /// <summary>Ticks are at most a period apart; three of them are more than a pause that others forgive.</summary>
    private static readonly TimeSpan StoodStill = PulseRules.Period * 3;

    private readonly ConcurrentDictionary<string, HeardPulse> _peers = new(StringComparer.Ordinal);

    protected override Task ExecuteAsync(CancellationToken stoppingToken)
    {
        // The start has just used it, however long the start took: from here on it is counted.
        own.DatabaseReached();
        return Loops.AllOrFirstFailureAsync([WatchDatabaseAsync(stoppingToken), FollowMembersAsync(stoppingToken), WatchPeersAsync(stoppingToken)]);
    }

    private static string NameOf(SiloAddress silo) => silo.Endpoint.ToString();

    private IReadOnlyList<SiloAddress> Live => [.. membership.CurrentSnapshot.Members.Values.Where(m => m.Status == SiloStatus.Active).Select(m => m.SiloAddress)];

    private async Task WatchDatabaseAsync(CancellationToken stoppingToken)
    {
        using var timer = new PeriodicTimer(PulseRules.Period, time);
        while (await TickAsync(timer, stoppingToken))
        {
            using var limit = CancellationTokenSource.CreateLinkedTokenSource(stoppingToken);
            limit.CancelAfter(AnswerLimit);
            try
            {
                await using var connection = await database.OpenAsync(limit.Token);
                await using var command = connection.CreateCommand();
                command.CommandText = "select 1";
                await command.ExecuteScalarAsync(limit.Token);
                own.DatabaseReached();
            }
            catch (Exception e) when (e.MayPass())
            {
                LogNotReached(database.Place, e.Message);
            }
        }
    }

    private async Task FollowMembersAsync(CancellationToken stoppingToken)
    {
        try
        {
            await foreach (var _ in membership.MembershipUpdates.WithCancellation(stoppingToken))
            {
                ShareOut();
            }
        }
        catch (OperationCanceledException) when (stoppingToken.IsCancellationRequested)
        {
            // Stopping.
        }
    }

    private async Task WatchPeersAsync(CancellationToken stoppingToken)
    {
        using var timer = new PeriodicTimer(PulseRules.Period, time);
        var before = time.GetTimestamp();
        while (await TickAsync(timer, stoppingToken))
        {
            if (time.GetElapsedTime(before) is var gap && gap > StoodStill)
            {
                LogStoodStill(gap.TotalSeconds);
                await RefreshAsync(stoppingToken);
            }

            before = time.GetTimestamp();
            var peers = Live.Where(silo => !silo.Equals(local.SiloAddress)).ToArray();
            foreach (var gone in _peers.Keys.Except(peers.Select(NameOf), StringComparer.Ordinal))
            {
                _peers.TryRemove(gone, out _);
            }

            await Task.WhenAll(peers.Select(AskAsync));
            ShareOut();
            if (PulseRules.MustLeave(own.DatabaseReachedAt, _peers, time.GetUtcNow()))
            {
                await LeaveAsync(peers);
            }
        }
    }

    private async Task AskAsync(SiloAddress peer)
    {
        try
        {
            var pulse = await client.Of(peer).ReadAsync().WaitAsync(AnswerLimit, time);
            _peers[NameOf(peer)] = new HeardPulse(pulse, time.GetUtcNow());
        }
        catch (Exception e) when (e.MayPass())
        {
            // It is going down, or does not know the question; what it said before gets old.
            LogNoAnswer(peer, e.Message);
        }
    }

    private void ShareOut()
    {
        var live = Live.Select(NameOf).ToArray();
        var self = NameOf(local.SiloAddress);
        share.Set(live.Contains(self) ? RendezvousHashing.ShareOf(self, PulseRules.Hearing(self, live, _peers, time.GetUtcNow())) : []);
    }

    private async Task RefreshAsync(CancellationToken stoppingToken)
    {
        try
        {
            await membership.Refresh(default, stoppingToken).AsTask().WaitAsync(AnswerLimit, time, stoppingToken);
        }
        catch (Exception e) when (e.MayPass() && !stoppingToken.IsCancellationRequested)
        {
            LogNotReached(database.Place, e.Message);
        }
    }

    /// <summary>Somebody who reaches the database writes what this silo cannot: that it is dead. Orleans ends the process when it hears so; if nobody helps, the others' probes do.</summary>
    private async Task LeaveAsync(IReadOnlyList<SiloAddress> peers)
    {
        LogLeaving(database.Place, (time.GetUtcNow() - own.DatabaseReachedAt).TotalSeconds);
        foreach (var peer in peers.Where(p => _peers.TryGetValue(NameOf(p), out var heard) && heard.Pulse.Database))
        {
            try
            {
                if (await client.Of(peer).BuryAsync(local.SiloAddress).WaitAsync(AnswerLimit, time))
                {
                    break;
                }
            }
            catch (Exception e) when (e.MayPass())
            {
                LogNoAnswer(peer, e.Message);
            }
        }

        // Nothing here may act any more, whether somebody wrote it or not; an orderly stop would wait for the database.
        Environment.Exit(LostDatabase);
    }

    /// <summary>Exit status: started again by the service manager, it waits for the database.</summary>
    internal const int LostDatabase = 75;

    private static async Task<bool> TickAsync(PeriodicTimer timer, CancellationToken stoppingToken)
    {
        try
        {
            return await timer.WaitForNextTickAsync(stoppingToken);
        }
        catch (OperationCanceledException)
        {
            return false;
        }
    }

    [LoggerMessage(3321, LogLevel.Warning, "The database {Place} did not answer: {Reason}")]
    private partial void LogNotReached(string place, string reason);

    [LoggerMessage(3322, LogLevel.Warning, "This silo stood still for {Seconds:0.0} s; it looks whether it was declared dead meanwhile")]
    private partial void LogStoodStill(double seconds);

    [LoggerMessage(3323, LogLevel.Debug, "Silo {Peer} did not say what it reaches: {Reason}")]
    private partial void LogNoAnswer(SiloAddress peer, string reason);

    [LoggerMessage(3324, LogLevel.Critical, "The database {Place} has not answered this silo for {Seconds:0.0} s, but it answers another: this silo leaves the cluster and ends")]
    private partial void LogLeaving(string place, double seconds);
}
