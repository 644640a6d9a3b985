using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Hosting.Systemd;

namespace Dr.Contracts.Hosting;

/// <summary>
/// Tells systemd that the process is alive, as long as its thread pool runs what is handed to it. Does nothing where no watchdog was asked for (<c>WatchdogSec=</c> of the unit, which sets <c>WATCHDOG_USEC</c>).
/// </summary>
public sealed class WatchdogService(ISystemdNotifier notifier, TimeProvider time, TimeSpan limit) : BackgroundService
{
    /// <summary>Signs of life in each limit: systemd's own advice is every half of it (sd_watchdog_enabled(3)); a third leaves room for one that comes late.</summary>
    private const int SignsPerLimit = 3;

    private static readonly ServiceState Alive = new("WATCHDOG=1");

    /// <summary>Time until systemd takes this process for hung; null when nobody watches it.</summary>
    /// <param name="microseconds"><c>WATCHDOG_USEC</c>.</param>
    /// <param name="process"><c>WATCHDOG_PID</c>: the process that is meant; null = whoever has the variables.</param>
    public static TimeSpan? Limit(string? microseconds, string? process, int own) =>
        long.TryParse(microseconds, NumberStyles.None, CultureInfo.InvariantCulture, out var value) && value > 0
        && (string.IsNullOrEmpty(process) || process == own.ToString(CultureInfo.InvariantCulture))
            ? TimeSpan.FromMicroseconds(value)
            : null;

    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        using var timer = new PeriodicTimer(limit / SignsPerLimit, time);
        do
        {
            notifier.Notify(Alive);
        }
        while (await timer.WaitForNextTickAsync(stoppingToken));
    }
}

/// <summary>What the watchdog adds to a host.</summary>
public static class WatchdogModule
{
    /// <summary>After <c>UseSystemd</c>, which does the same only inside a systemd unit.</summary>
    public static void AddWatchdog(this IServiceCollection services)
    {
        if (WatchdogService.Limit(Environment.GetEnvironmentVariable("WATCHDOG_USEC"), Environment.GetEnvironmentVariable("WATCHDOG_PID"), Environment.ProcessId) is { } limit
            && SystemdHelpers.IsSystemdService())
        {
            services.AddHostedService(provider => new WatchdogService(provider.GetRequiredService<ISystemdNotifier>(), provider.GetRequiredService<TimeProvider>(), limit));
        }
    }
}
