using Dr.Edge.Host.Quiesce;
using Dr.Edge.Hosting;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;

namespace Dr.Edge.Volumes;

/// <summary>Takes the automatic points that this appliance's own configuration asks for, lets the oldest of them give way, and moves what has left the fine window into the base.</summary>
internal sealed partial class PointScheduleService(VolumeSet set, EdgeConfig config, TimeProvider time, IServiceProvider services, ILogger<PointScheduleService> logger) : BackgroundService
{
    internal const string AutomaticReason = "automatic";

    // How often history is looked through for what has left the fine window, when points do not already do it.
    private static readonly TimeSpan ExpiryPeriod = TimeSpan.FromMinutes(1);

    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        var every = config.Points.EveryOrNone;
        using var timer = new PeriodicTimer(every ?? ExpiryPeriod, time);
        while (await timer.WaitForNextTickAsync(stoppingToken))
        {
            await RunOnceAsync(every is not null, stoppingToken);
        }
    }

    /// <summary>One round; tests call it directly instead of waiting for the timer.</summary>
    internal async Task RunOnceAsync(bool takePoints, CancellationToken cancellationToken)
    {
        foreach (var volume in set.Volumes)
        {
            try
            {
                if (takePoints && volume.Gate.IsOpen && volume.Origin is null)
                {
                    await TakePointAsync(volume, cancellationToken);
                    DropOldest(volume);
                }

                set.Maintenance.Post(() => volume.AdvanceBase());
            }
            catch (Exception exception) when (exception is DrException or ObjectDisposedException)
            {
                // A volume that refuses a point now (demoted meanwhile, full, deleted) must not keep the others from theirs.
                LogFailed(volume.Name, exception);
            }
        }
    }

    private async Task TakePointAsync(Volume volume, CancellationToken cancellationToken)
    {
        if (services.GetService<IQuiesce>() is not { } quiesce)
        {
            volume.CreatePoint(null, PointConsistency.Crash, AutomaticReason);
            return;
        }

        await using var window = await quiesce.EnterAsync(volume.Name, cancellationToken);
        var mark = window.Mark;
        volume.CreatePoint(null, mark.Consistency, $"{AutomaticReason}: {mark.Reason}");
    }

    private void DropOldest(Volume volume)
    {
        var automatic = volume.Points.Where(point => point.Label is null && point.Reason?.StartsWith(AutomaticReason, StringComparison.Ordinal) == true).ToList();
        foreach (var point in automatic.Take(automatic.Count - Math.Clamp(config.Points.Keep, 1, Format.StoreLimits.MaxPoints - 1)))
        {
            volume.DeletePoint(point.Id);
        }
    }

    [LoggerMessage(1105, LogLevel.Warning, "The automatic point of {Volume} was not taken; the next is tried in time")]
    private partial void LogFailed(string volume, Exception exception);
}
