namespace Dr.Silo.Grains;

/// <summary>Tells the fleet's grain now and then what this silo has measured, so that one view shows all silos.</summary>
internal sealed partial class DetectorReportService(IGrainFactory grains, DetectorBook book, TimeProvider time, ILogger<DetectorReportService> logger) : BackgroundService
{
    private static readonly TimeSpan Period = TimeSpan.FromSeconds(5);

    private readonly string _silo = $"{Environment.MachineName}.{Environment.ProcessId}.{Guid.NewGuid():N}";

    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        using var timer = new PeriodicTimer(Period, time);
        while (await timer.WaitForNextTickAsync(stoppingToken))
        {
            try
            {
                await RunOnceAsync().WaitAsync(Period, time, stoppingToken);
            }
            catch (Exception e) when (!stoppingToken.IsCancellationRequested)
            {
                // Sums: the next round tells all of it. A fault of the grain, which comes through the call, is no reason to end the control plane.
                LogNotTold(e.Message);
            }
        }
    }

    [LoggerMessage(3332, LogLevel.Debug, "What this silo has measured could not be told; the next round tells it: {Reason}")]
    private partial void LogNotTold(string reason);

    internal Task RunOnceAsync() => grains.GetGrain<IFleetGrain>(IFleetGrain.Key).MeasuredAsync(
        _silo,
        [
            .. book.Classes.Select(c => new MeasuredClass
            {
                Class = c.Key, Followed = c.Value.Followed, Mistakes = c.Value.Mistakes, MistakenFor = c.Value.MistakenFor, Detections = c.Value.Detections, DetectionSeconds = c.Value.DetectionSeconds,
            }),
        ]);
}
