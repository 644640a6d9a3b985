using Dr.Contracts.Hosting;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;

namespace Dr.Edge.Host;

/// <summary>Takes a system down when it may not serve from here any more. The volume's gate has closed before; this ends what would only fail.</summary>
internal sealed partial class SelfFencingService(HostedSystems systems, ServingWatch watch, TimeProvider time, ILogger<SelfFencingService> logger) : BackgroundService
{
    private static readonly TimeSpan Period = TimeSpan.FromMilliseconds(250);

    /// <summary>A new epoch usually comes with an order to stop, and an orderly stop is the better one.</summary>
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(2);

    protected override Task ExecuteAsync(CancellationToken stoppingToken) => Loops.AllOrFirstFailureAsync(systems.All.Select(s => WatchAsync(s, stoppingToken)));

    private async Task WatchAsync(HostedSystemSession session, CancellationToken cancellationToken)
    {
        long? since = null;
        using var timer = new PeriodicTimer(Period, time);
        while (await timer.WaitForNextTickAsync(cancellationToken))
        {
            try
            {
                if (Objection(session) is null)
                {
                    since = null;
                    continue;
                }

                since ??= time.GetTimestamp();
                if (time.GetElapsedTime(since.Value) < Patience)
                {
                    continue;
                }

                await session.FenceAsync(() => Objection(session), cancellationToken);
            }
            catch (DrException exception)
            {
                LogNotFenced(session.System.Id, exception.Message, exception.Hint); // Tried again at the next tick.
            }
            catch (Exception exception) when (exception.MayPass() && !cancellationToken.IsCancellationRequested)
            {
                // Whatever it met: who gave up here would leave a system that may not serve running for good.
                LogNotFenced(session.System.Id, exception.ToString(), null);
            }
        }
    }

    private string? Objection(HostedSystemSession session) =>
        session.Objection(watch, systems.Known(session));

    [LoggerMessage(1412, LogLevel.Error, "System {System}: could not be taken down: {Reason} {Hint}")]
    private partial void LogNotFenced(string system, string reason, string? hint);
}
