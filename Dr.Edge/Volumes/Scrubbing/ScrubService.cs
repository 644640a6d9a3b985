using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;

namespace Dr.Edge.Volumes.Scrubbing;

/// <summary>Runs the <see cref="Scrubber"/> on a thread of its own, which may wait for disks and clients.</summary>
internal sealed partial class ScrubService(Scrubber scrubber, TimeProvider time, ILogger<ScrubService> logger) : BackgroundService
{
    /// <summary>With nothing to read, between looks for a pass that is due or was asked for.</summary>
    private static readonly TimeSpan Pause = TimeSpan.FromSeconds(1);

    /// <summary>After a step that failed as none should: a disk that is sick is not asked in a loop.</summary>
    private static readonly TimeSpan AfterFault = TimeSpan.FromMinutes(1);

    public override async Task StopAsync(CancellationToken cancellationToken)
    {
        await base.StopAsync(cancellationToken);
        scrubber.Save();
    }

    protected override Task ExecuteAsync(CancellationToken stoppingToken) => Task.Factory.StartNew(
        () => Run(stoppingToken), CancellationToken.None, TaskCreationOptions.LongRunning, TaskScheduler.Default);

    private void Run(CancellationToken stoppingToken)
    {
        try
        {
            while (true)
            {
                stoppingToken.ThrowIfCancellationRequested();
                var pause = TryStep(stoppingToken);
                if (pause > TimeSpan.Zero)
                {
                    Task.Delay(pause, time, stoppingToken).GetAwaiter().GetResult();
                }
            }
        }
        catch (OperationCanceledException) when (stoppingToken.IsCancellationRequested)
        {
            // The process ends; where each pass stands is saved by the stop.
        }
    }

    private TimeSpan TryStep(CancellationToken stoppingToken)
    {
        try
        {
            return scrubber.Step(stoppingToken) ? TimeSpan.Zero : Pause;
        }
        catch (Exception exception) when (exception.MayPass() && !stoppingToken.IsCancellationRequested)
        {
            // Reading in the background must not end what clients write to.
            LogFault(exception);
            return AfterFault;
        }
    }

    [LoggerMessage(1175, LogLevel.Error, "Scrubbing met what it did not expect; it goes on in a minute")]
    private partial void LogFault(Exception exception);
}
