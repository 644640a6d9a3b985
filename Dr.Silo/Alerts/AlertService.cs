using System.Data.Common;
using System.Text.Json;
using Dr.Contracts.Grains;
using Dr.Silo.Api;
using Dr.Silo.Decisions.Alerts;
using Dr.Silo.Ingress;

namespace Dr.Silo.Alerts;

/// <summary>
/// The clock of the alerts: every silo asks for a round every few seconds and says what it cannot reach itself. That the database is away is followed here and
/// told directly, because nothing can be stored then; its notices have the same kind of ids.
/// </summary>
internal sealed partial class AlertService(
    IGrainFactory grains, HealthProbe health, IngressService ingress, NoticeOutbox outbox, TimeProvider time, ILogger<AlertService> logger) : BackgroundService
{
    public static readonly TimeSpan Period = TimeSpan.FromSeconds(5);

    private static readonly TimeSpan Limit = TimeSpan.FromSeconds(10);

    private AlertBoard _alone = AlertBoard.Empty;

    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        using var timer = new PeriodicTimer(Period, time);
        do
        {
            try
            {
                await RunOnceAsync(stoppingToken);
            }
            catch (Exception e) when (!stoppingToken.IsCancellationRequested)
            {
                // Whatever it is, a fault of the grain that comes through the call too: the clock of the alerts goes on.
                LogFailed(e);
            }
        }
        while (await timer.WaitForNextTickAsync(stoppingToken));
    }

    /// <summary>One round.</summary>
    internal async Task RunOnceAsync(CancellationToken cancellationToken)
    {
        var database = await health.DatabaseAsync(cancellationToken);
        await AloneAsync(database, cancellationToken);
        if (database is not null)
        {
            return;
        }

        try
        {
            var lost = new Dictionary<string, string>();
            if (!ingress.Connected)
            {
                lost["broker"] = "The broker cannot be reached: no device is heard and none gets a command.";
            }

            await grains.GetGrain<IAlertGrain>(IAlertGrain.Key).EvaluateAsync(lost).WaitAsync(Limit, time, cancellationToken);
        }
        catch (Exception e) when (e is OrleansException or TimeoutException or DbException or DrException)
        {
            LogFailed(e);
        }
    }

    /// <summary>Without the database there is no board and no outbox: what is told goes straight to whoever can be told.</summary>
    internal async Task AloneAsync(string? database, CancellationToken cancellationToken)
    {
        List<AlertSample> samples = database is null ? [] : [new AlertSample { Kind = AlertKind.DependencyLost, Subject = $"database:{Environment.MachineName}", Value = 1, Text = database }];
        var step = AlertMachine.Step(_alone, samples, time.GetUtcNow());
        _alone = step.Board;
        foreach (var notice in step.Notices)
        {
            var body = JsonSerializer.Serialize(NoticeBody.Of(notice), AlertJson.Default.NoticeBody);
            foreach (var target in outbox.Alone)
            {
                if (await target.TryTellAsync(notice.Id, body, cancellationToken) is { } error)
                {
                    LogNotTold(notice.Id, target.Name, error);
                }
            }
        }
    }

    [LoggerMessage(3853, LogLevel.Warning, "A round of alerts failed; the next follows")]
    private partial void LogFailed(Exception exception);

    [LoggerMessage(3854, LogLevel.Error, "Notice {Notice} could not be told to {Target} and cannot be stored: {Error}")]
    private partial void LogNotTold(string notice, string target, string error);
}
