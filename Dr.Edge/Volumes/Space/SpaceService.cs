using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;

namespace Dr.Edge.Volumes.Space;

/// <summary>Drives <see cref="SpaceKeeper"/> and <see cref="GiveWay"/>: every few seconds, and at once when a writer found the disk full.</summary>
internal sealed partial class SpaceService(VolumeSet set, SpaceKeeper keeper, GiveWay giveWay, TimeProvider time, ILogger<SpaceService> logger) : BackgroundService
{
    /// <summary>A disk cannot fill by much more than the give-way line in this time.</summary>
    internal static readonly TimeSpan Period = TimeSpan.FromSeconds(2);

    public override Task StartAsync(CancellationToken cancellationToken)
    {
        set.Space.GivesWay = giveWay;
        return base.StartAsync(cancellationToken);
    }

    public override async Task StopAsync(CancellationToken cancellationToken)
    {
        giveWay.Stop();
        await base.StopAsync(cancellationToken);
        keeper.Save();
    }

    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        while (!stoppingToken.IsCancellationRequested)
        {
            Try(keeper.Tick);

            // Merging blocks for long; this loop has no other thread to hold up.
            Try(() => giveWay.RunOnce(stoppingToken));
            using var pause = CancellationTokenSource.CreateLinkedTokenSource(stoppingToken);
            var wanted = giveWay.WantedAsync(pause.Token);
            await Task.WhenAny(wanted, Task.Delay(Period, time, pause.Token));
            await pause.CancelAsync();
        }
    }

    // Whatever it meets: without this loop no volume that waits for space would ever go on.
    private void Try(Action step)
    {
        try
        {
            step();
        }
        catch (Exception exception) when (exception.MayPass())
        {
            LogFault(exception);
        }
    }

    [LoggerMessage(1156, LogLevel.Error, "A look at the disk's space met what it did not expect; the next follows")]
    private partial void LogFault(Exception exception);
}
