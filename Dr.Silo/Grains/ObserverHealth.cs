using Dr.Silo.Decisions.Detection;

namespace Dr.Silo.Grains;

/// <summary>This silo's own health: one that stood still, or lost its broker, has missed beats through its own fault and judges nobody for a while.</summary>
public sealed class ObserverHealth(TimeProvider time) : BackgroundService
{
    private static readonly TimeSpan Period = TimeSpan.FromMilliseconds(500);

    private LocalHealth _health = LocalHealth.StartedAt(time.GetUtcNow(), Period);

    public LocalHealth Now => Volatile.Read(ref _health);

    /// <summary>The broker connection is back after a break.</summary>
    public void LinkRestored()
    {
        for (var before = Now; Interlocked.CompareExchange(ref _health, before.LinkRestored(time.GetUtcNow()), before) != before; before = Now)
        {
        }
    }

    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        using var timer = new PeriodicTimer(Period, time);
        while (await timer.WaitForNextTickAsync(stoppingToken))
        {
            for (var before = Now; Interlocked.CompareExchange(ref _health, before.Tick(time.GetUtcNow()), before) != before; before = Now)
            {
            }
        }
    }
}
