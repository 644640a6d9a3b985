using Dr.Silo.Decisions.Detection;
using Dr.Silo.Ingress;

namespace Dr.Silo.Grains;

/// <summary>This silo's own health: one that stood still, or lost its broker, has missed beats through its own fault and judges nobody for a while.</summary>
public sealed class ObserverHealth(TimeProvider time, IServiceProvider services) : BackgroundService
{
    private static readonly TimeSpan Period = TimeSpan.FromMilliseconds(500);

    private LocalHealth _health = LocalHealth.StartedAt(time.GetUtcNow(), Period);

    public DateTimeOffset StartedAt { get; } = time.GetUtcNow();

    public LocalHealth Now => Volatile.Read(ref _health);

    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        using var timer = new PeriodicTimer(Period, time);
        while (await timer.WaitForNextTickAsync(stoppingToken))
        {
            // While the broker is away nobody can be heard, nor is everybody while more comes than can be; afterwards everybody gets a whole promise.
            var (health, ingress) = (_health.Tick(time.GetUtcNow()), services.GetService<IngressService>());
            var deaf = ingress is not null && (ingress.TakeOverload() | !ingress.Connected);
            Volatile.Write(ref _health, deaf ? health.LinkRestored(time.GetUtcNow()) : health);
        }
    }
}
