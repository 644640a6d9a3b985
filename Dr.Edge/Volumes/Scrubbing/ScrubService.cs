using Microsoft.Extensions.Hosting;

namespace Dr.Edge.Volumes.Scrubbing;

/// <summary>Runs the <see cref="Scrubber"/> on a thread of its own, which may wait for disks and clients.</summary>
internal sealed class ScrubService(Scrubber scrubber, TimeProvider time) : BackgroundService
{
    /// <summary>With nothing to read, between looks for a pass that is due or was asked for.</summary>
    private static readonly TimeSpan Pause = TimeSpan.FromSeconds(1);

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
                if (!scrubber.Step(stoppingToken))
                {
                    Task.Delay(Pause, time, stoppingToken).GetAwaiter().GetResult();
                }
            }
        }
        catch (OperationCanceledException) when (stoppingToken.IsCancellationRequested)
        {
            // The process ends; where each pass stands is saved by the stop.
        }
    }
}
