using Dr.Silo.Grains;

namespace Dr.Silo.Hosting;

/// <summary>
/// Hands the plan over to the grains once the silo has started and before devices are heard. A plan that cannot be handed over ends the start, unless only because a grain is still on a silo of
/// an older version, which does not know the question: that one holds what it was told before, and is told again until it is on a newer silo.
/// </summary>
internal sealed partial class ConfigurationService(GrainConfigurator configurator, SiloPlan plan, TimeProvider time, ILogger<ConfigurationService> logger) : IHostedService, IDisposable
{
    private static readonly TimeSpan AgainAfter = TimeSpan.FromSeconds(5);

    private readonly CancellationTokenSource _stopping = new();
    private Task _again = Task.CompletedTask;

    public async Task StartAsync(CancellationToken cancellationToken)
    {
        if (!await TryApplyAsync(cancellationToken))
        {
            _again = ApplyLaterAsync();
        }
    }

    public async Task StopAsync(CancellationToken cancellationToken)
    {
        await _stopping.CancelAsync();
        await _again.WaitAsync(cancellationToken).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
    }

    public void Dispose() => _stopping.Dispose();

    private async Task<bool> TryApplyAsync(CancellationToken cancellationToken)
    {
        try
        {
            await configurator.ApplyAsync(plan.Sites, plan.Devices, plan.Systems, cancellationToken, plan.Capacities);
            return true;
        }
        catch (TypeLoadException e)
        {
            // What an older silo answers to a call or a member that it does not know.
            LogOlderSilo(e.Message);
            return false;
        }
    }

    private async Task ApplyLaterAsync()
    {
        try
        {
            do
            {
                await Task.Delay(AgainAfter, time, _stopping.Token);
            }
            while (!await TryLaterAsync());
        }
        catch (OperationCanceledException) when (_stopping.IsCancellationRequested)
        {
            // Stopping: the next silo that starts tells.
        }
    }

    private async Task<bool> TryLaterAsync()
    {
        try
        {
            return await TryApplyAsync(_stopping.Token);
        }
        catch (Exception e) when (!_stopping.IsCancellationRequested)
        {
            // A silo or the database is just going: the next round tells.
            LogOlderSilo(e.Message);
            return false;
        }
    }

    [LoggerMessage(3341, LogLevel.Warning, "The configuration is not with every grain yet, because one is on a silo of an older version or does not answer; it is told again: {Reason}")]
    private partial void LogOlderSilo(string reason);
}
