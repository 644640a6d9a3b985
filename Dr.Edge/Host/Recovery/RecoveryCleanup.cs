using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;

namespace Dr.Edge.Host.Recovery;

/// <summary>After a start of the agent, takes back the recoveries and refreshes that the end of an earlier one cut off.</summary>
internal sealed partial class RecoveryCleanup(HostedSystems systems, TableRecovery tables, PointRefresh refresh, TimeProvider time, ILogger<RecoveryCleanup> logger) : BackgroundService
{
    /// <summary>A recovery leaves something in the database in use, which may not run yet.</summary>
    private static readonly TimeSpan Period = TimeSpan.FromSeconds(30);

    private const int Rounds = 10;

    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        foreach (var session in systems.All.Where(s => s.System.Mount is not null && s.Drivers.Any(d => d.Options.IsDatabase)))
        {
            for (var round = 0; round < Rounds; round++)
            {
                try
                {
                    await refresh.CleanUpAsync(session, stoppingToken);
                    await tables.CleanUpAsync(session, stoppingToken);
                }
                catch (Exception exception) when (exception.MayPass() && !stoppingToken.IsCancellationRequested)
                {
                    LogNotCleaned(session.System.Id, exception is DrException ? exception.Message : exception.ToString());
                }

                if (!IsUnfinished(session))
                {
                    break;
                }

                await Task.Delay(Period, time, stoppingToken).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
            }
        }
    }

    private bool IsUnfinished(HostedSystemSession session)
    {
        try
        {
            return tables.List(session).Any(TableRecovery.IsUnfinished);
        }
        catch (Exception exception) when (exception.MayPass())
        {
            // What cannot be read may be unfinished.
            LogNotCleaned(session.System.Id, exception.Message);
            return true;
        }
    }

    [LoggerMessage(1433, LogLevel.Error, "System {System}: what a recovery left could not be cleaned up: {Reason}")]
    private partial void LogNotCleaned(string system, string reason);
}
