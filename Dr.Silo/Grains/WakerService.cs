using Dr.Silo.Storage;

namespace Dr.Silo.Grains;

/// <summary>
/// Wakes every known system, volume and device after a start and now and then: their deadlines are in their state, but a grain that is not active looks at
/// none. Waking one that is awake does nothing.
/// </summary>
internal sealed partial class WakerService(IGrainFactory grains, KnownThings known, TimeProvider time, ILogger<WakerService> logger) : BackgroundService
{
    private static readonly TimeSpan Period = TimeSpan.FromSeconds(10);

    /// <summary>Devices are many, those that a system rests on are asked by it, and no kiosk's silence is judged sooner.</summary>
    private static readonly TimeSpan DevicesPeriod = TimeSpan.FromSeconds(30);

    private const int DevicesAtOnce = 64;

    private long? _devicesWokenAt;

    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        using var timer = new PeriodicTimer(Period, time);
        do
        {
            await RunOnceAsync(stoppingToken);
        }
        while (await timer.WaitForNextTickAsync(stoppingToken));
    }

    /// <summary>One round; what fails in it is woken by the next.</summary>
    internal async Task RunOnceAsync(CancellationToken cancellationToken)
    {
        try
        {
            foreach (var id in await known.ListAsync(ThingKind.System, cancellationToken))
            {
                await grains.GetGrain<IBusinessSystemGrain>(id).WakeAsync().WaitAsync(Period, time, cancellationToken);
            }

            foreach (var id in await known.ListAsync(ThingKind.Volume, cancellationToken))
            {
                await grains.GetGrain<IVolumeGrain>(id).WakeAsync().WaitAsync(Period, time, cancellationToken);
            }

            if (_devicesWokenAt is { } last && time.GetElapsedTime(last) < DevicesPeriod)
            {
                return;
            }

            _devicesWokenAt = time.GetTimestamp();
            foreach (var portion in (await known.ListAsync(ThingKind.Device, cancellationToken)).Chunk(DevicesAtOnce))
            {
                await Task.WhenAll(portion.Select(id => grains.GetGrain<IDeviceGrain>(id).GetAsync())).WaitAsync(Period, time, cancellationToken);
            }
        }
        catch (Exception e) when (e is not OperationCanceledException || !cancellationToken.IsCancellationRequested)
        {
            // A grain or the database that does not answer now is asked again in the next round.
            LogFailed(e);
        }
    }

    [LoggerMessage(3301, LogLevel.Warning, "Waking grains failed; the next round follows")]
    private partial void LogFailed(Exception exception);
}
