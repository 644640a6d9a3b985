using Dr.Edge.Host.Quiesce;
using Dr.Edge.Volumes.Retention;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;

namespace Dr.Edge.Volumes;

/// <summary>
/// Takes the automatic points that each volume's policy asks for, lets go what it no longer keeps, and has what left the fine window merged. A point is left out when nothing was written since the newest
/// one: that one is still the whole truth. The first comes when a volume is at least one interval old.
/// </summary>
internal sealed partial class PointScheduleService(VolumeSet set, TimeProvider time, IServiceProvider services, ILogger<PointScheduleService> logger) : BackgroundService
{
    // Policies change while this waits, and history leaves the fine window without a point being due.
    private static readonly TimeSpan LongestWait = TimeSpan.FromMinutes(1);
    private static readonly TimeSpan ShortestWait = TimeSpan.FromMilliseconds(50);
    private readonly Dictionary<VolumeId, DateTimeOffset> _due = [];
    private readonly Dictionary<VolumeId, string> _failures = [];
    private DateTimeOffset _upkeepDue;

    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        try
        {
            while (true)
            {
                var wait = await TryOnceAsync(stoppingToken);
                await Task.Delay(wait, time, stoppingToken);
            }
        }
        catch (OperationCanceledException) when (stoppingToken.IsCancellationRequested)
        {
            // The end, also of a start that failed elsewhere: that reason is the one to be told.
        }
    }

    private async Task<TimeSpan> TryOnceAsync(CancellationToken cancellationToken)
    {
        try
        {
            return await RunOnceAsync(cancellationToken);
        }
        catch (Exception exception) when (exception.MayPass() && !cancellationToken.IsCancellationRequested)
        {
            LogRoundFailed(exception);
            return LongestWait;
        }
    }

    /// <summary>One round; returns how long nothing is due. Tests call it directly instead of waiting.</summary>
    internal async Task<TimeSpan> RunOnceAsync(CancellationToken cancellationToken)
    {
        var volumes = set.Volumes;
        foreach (var gone in _due.Keys.Except(volumes.Select(volume => volume.Id)).ToList())
        {
            _due.Remove(gone);
            _failures.Remove(gone);
        }

        foreach (var volume in volumes)
        {
            await TakeIfDueAsync(volume, cancellationToken);
        }

        var now = time.GetUtcNow();
        if (now >= _upkeepDue || _upkeepDue - now > LongestWait)
        {
            _upkeepDue = now + LongestWait;
            foreach (var volume in volumes)
            {
                KeepUp(volume);
            }
        }

        var next = _due.Values.Append(_upkeepDue).Min() - time.GetUtcNow();
        return next < ShortestWait ? ShortestWait : next > LongestWait ? LongestWait : next;
    }

    private async Task TakeIfDueAsync(Volume volume, CancellationToken cancellationToken)
    {
        var every = volume.Origin is null ? volume.Policy.PointsEvery : volume.OwnPolicy?.PointsEvery ?? TimeSpan.Zero;
        if (every <= TimeSpan.Zero)
        {
            _due.Remove(volume.Id);
            return;
        }

        var (isDue, next) = PointSchedule.Step(time.GetUtcNow(), _due.TryGetValue(volume.Id, out var due) ? due : null, every, PointSchedule.PhaseOf(volume.Id, every));
        _due[volume.Id] = next;
        if (!isDue || !volume.Gate.IsOpen || volume.IsCoveredByPoint || time.GetUtcNow() - volume.CreatedAt < every)
        {
            return;
        }

        try
        {
            await TakePointAsync(volume, cancellationToken);
            volume.ApplyRetention();
            if (_failures.Remove(volume.Id))
            {
                LogWorksAgain(volume.Name);
            }
        }
        catch (Exception exception) when (exception.MayPass() && !cancellationToken.IsCancellationRequested)
        {
            // A volume that refuses a point now (demoted meanwhile, full, deleted) must not keep the others from theirs.
            if (_failures.GetValueOrDefault(volume.Id) != exception.Message)
            {
                _failures[volume.Id] = exception.Message;
                LogFailed(volume.Name, exception);
            }
        }
    }

    private void KeepUp(Volume volume)
    {
        try
        {
            volume.ApplyRetention();
            volume.PostMaintenance();
        }
        catch (Exception exception) when (exception.MayPass())
        {
            LogKeepUpFailed(volume.Name, exception);
        }
    }

    private async Task TakePointAsync(Volume volume, CancellationToken cancellationToken)
    {
        if (services.GetService<IQuiesce>() is not { } quiesce)
        {
            volume.CreatePoint(null, PointConsistency.Crash, PointKinds.AutomaticReason);
            return;
        }

        await using var window = await quiesce.EnterAsync(volume.Name, cancellationToken);
        volume.CreatePoint(null, window, mark => $"{PointKinds.AutomaticReason}: {mark}");
    }

    [LoggerMessage(1144, LogLevel.Error, "A round of automatic points met what it did not expect; the next comes in a minute")]
    private partial void LogRoundFailed(Exception exception);

    [LoggerMessage(1105, LogLevel.Warning, "The automatic point of {Volume} was not taken; the next is tried in time (said once per cause)")]
    private partial void LogFailed(string volume, Exception exception);

    [LoggerMessage(1140, LogLevel.Information, "Automatic points of {Volume} are taken again")]
    private partial void LogWorksAgain(string volume);

    [LoggerMessage(1141, LogLevel.Warning, "The points of {Volume} could not be thinned; it is tried again in a minute")]
    private partial void LogKeepUpFailed(string volume, Exception exception);
}
