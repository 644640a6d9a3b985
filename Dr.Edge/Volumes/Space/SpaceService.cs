using Microsoft.Extensions.Hosting;

namespace Dr.Edge.Volumes.Space;

/// <summary>Drives <see cref="SpaceKeeper"/> and <see cref="GiveWay"/>: every few seconds, and at once when a writer found the disk full.</summary>
internal sealed class SpaceService(VolumeSet set, SpaceKeeper keeper, GiveWay giveWay, TimeProvider time) : BackgroundService
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
            keeper.Tick();

            // Merging blocks for long; this loop has no other thread to hold up.
            giveWay.RunOnce(stoppingToken);
            using var pause = CancellationTokenSource.CreateLinkedTokenSource(stoppingToken);
            var wanted = giveWay.WantedAsync(pause.Token);
            await Task.WhenAny(wanted, Task.Delay(Period, time, pause.Token));
            await pause.CancelAsync();
        }
    }
}
