using Dr.Contracts.Hosting;
using Dr.Edge.Host.Checks;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;

namespace Dr.Edge.Host;

/// <summary>Recovers each system after a start of the agent, then runs the checks of its components, each at its own period.</summary>
internal sealed partial class HostMonitorService(HostedSystems systems, TimeProvider time, ILogger<HostMonitorService> logger) : BackgroundService
{
    // Reading past the caches costs a process each time; the appliance reports the volume itself much sooner.
    private static readonly TimeSpan VolumePeriod = TimeSpan.FromSeconds(5);

    // A command of the operator each time; whoever waits for it is an alert and not a client.
    private static readonly TimeSpan NetworkPeriod = TimeSpan.FromSeconds(15);

    protected override Task ExecuteAsync(CancellationToken stoppingToken) => Loops.AllOrFirstFailureAsync(systems.All.Select(s => WatchAsync(s, stoppingToken)));

    /// <summary>Takes down what stands on this program's own NBD server before that ends; a system on a volume from elsewhere goes on without the agent.</summary>
    public override async Task StopAsync(CancellationToken cancellationToken)
    {
        await base.StopAsync(cancellationToken);
        await Task.WhenAll(systems.All.Where(s => s.System is { Mount: not null, Nbd: null } && s.State.ShouldRun).Select(async session =>
        {
            try
            {
                await session.SuspendAsync(cancellationToken);
            }
            catch (Exception exception) when (exception is DrException or OperationCanceledException)
            {
                LogNotSuspended(session.System.Id, exception.Message); // The next start of the agent cleans up.
            }
        }));
    }

    private async Task WatchAsync(HostedSystemSession session, CancellationToken cancellationToken)
    {
        try
        {
            await session.RecoverAsync(cancellationToken);
        }
        catch (DrException exception)
        {
            LogNotRecovered(session.System.Id, exception.Message, exception.Hint);
        }
        catch (Exception exception) when (exception.MayPass() && !cancellationToken.IsCancellationRequested)
        {
            LogNotRecovered(session.System.Id, exception.ToString(), null);
        }

        var loops = session.Drivers.Select(d => RepeatAsync(ComponentCheck.OptionsOf(d).Period, () => session.MonitorAsync(d, cancellationToken), session, cancellationToken));
        await Loops.AllOrFirstFailureAsync(
            [.. loops, RepeatAsync(VolumePeriod, () => session.ProbeVolumeAsync(cancellationToken), session, cancellationToken), ReadNetworkAsync(session, cancellationToken)]);
    }

    private async Task ReadNetworkAsync(HostedSystemSession session, CancellationToken cancellationToken)
    {
        using var timer = new PeriodicTimer(NetworkPeriod, time);
        do
        {
            await TryAsync(() => session.ReadNetworkAsync(cancellationToken), session, cancellationToken);
        }
        while (await timer.WaitForNextTickAsync(cancellationToken));
    }

    private async Task RepeatAsync(TimeSpan period, Func<Task> round, HostedSystemSession session, CancellationToken cancellationToken)
    {
        using var timer = new PeriodicTimer(period, time);
        while (await timer.WaitForNextTickAsync(cancellationToken))
        {
            if (session.IsMonitored)
            {
                await TryAsync(round, session, cancellationToken);
            }
        }
    }

    /// <summary>One round. What a check meets is said and tried again at the next: who gave up here would leave a system unwatched, or end the agent and with it the volumes.</summary>
    private async Task TryAsync(Func<Task> round, HostedSystemSession session, CancellationToken cancellationToken)
    {
        try
        {
            await round();
        }
        catch (Exception exception) when (exception.MayPass() && !cancellationToken.IsCancellationRequested)
        {
            LogRoundFailed(session.System.Id, exception);
        }
    }

    [LoggerMessage(1411, LogLevel.Error, "System {System}: what an earlier run left could not be cleaned up: {Reason} {Hint}")]
    private partial void LogNotRecovered(string system, string reason, string? hint);

    [LoggerMessage(1414, LogLevel.Error, "System {System}: a round of its checks failed; it is tried again at the next")]
    private partial void LogRoundFailed(string system, Exception exception);

    [LoggerMessage(1413, LogLevel.Warning, "System {System}: could not be stopped before the agent ended: {Reason}")]
    private partial void LogNotSuspended(string system, string reason);
}
