using Dr.Contracts.Errors;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;

namespace Dr.Contracts.Hosting;

/// <summary>How a program of ours ends.</summary>
public static class HostEnd
{
    /// <summary>
    /// Returns when the host was told to stop and has stopped. One that stops because a background service failed ends with an exception, so that the program's exit status is not 0 and whoever started it is told;
    /// the host by itself does so from .NET 11 on (https://learn.microsoft.com/dotnet/core/compatibility/extensions/11/ihost-runasync-stopasync-throw-backgroundservice-failure).
    /// </summary>
    /// <exception cref="DrException">A background service failed.</exception>
    public static async Task WaitForEndAsync(this IHost host, CancellationToken cancellationToken)
    {
        ArgumentNullException.ThrowIfNull(host);
        await host.WaitForShutdownAsync(cancellationToken);
        if (host.Services.GetServices<IHostedService>().OfType<BackgroundService>().FirstOrDefault(s => s.ExecuteTask is { IsFaulted: true }) is { ExecuteTask.Exception: { } fault } service)
        {
            var cause = fault.GetBaseException();
            throw new DrException($"The program stopped because its {service.GetType().Name} failed: {cause.GetType().Name}: {cause.Message}", "The log has where. A service manager starts the program again.", cause);
        }
    }
}
