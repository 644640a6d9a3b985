namespace Dr.Silo.Alerts;

/// <summary>Tells what is in the outbox, to each target until it took it or a day has passed. Every silo does; a notice is one silo's at a time.</summary>
internal sealed partial class NoticeOutbox(AlertStore store, IEnumerable<INoticeTarget> targets, TimeProvider time, ILogger<NoticeOutbox> logger) : BackgroundService
{
    private const int AtOnce = 50;

    // A silo that stopped in the middle leaves its notices to the others, who look at this pace.
    private static readonly TimeSpan Pace = TimeSpan.FromSeconds(2);

    private readonly IReadOnlyList<INoticeTarget> _targets = [.. targets];
    private readonly SemaphoreSlim _woken = new(0, 1);

    public IReadOnlyList<string> TargetNames => [.. _targets.Select(t => t.Name)];

    public IEnumerable<INoticeTarget> Alone => _targets.Where(t => t.WorksAlone);

    public void Wake()
    {
        if (_woken.CurrentCount == 0)
        {
            try
            {
                _woken.Release();
            }
            catch (SemaphoreFullException)
            {
                // Somebody else woke it in between.
            }
        }
    }

    public override void Dispose()
    {
        _woken.Dispose();
        base.Dispose();
    }

    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        while (!stoppingToken.IsCancellationRequested)
        {
            try
            {
                await RunOnceAsync(stoppingToken);
            }
            catch (Exception e) when (e.MayPass() && !stoppingToken.IsCancellationRequested)
            {
                LogFailed(e);
            }

            // The wait that lost is taken back: left in the queue it would take the next wake for itself.
            using var pause = CancellationTokenSource.CreateLinkedTokenSource(stoppingToken);
            await Task.WhenAny(_woken.WaitAsync(pause.Token), Task.Delay(Pace, time, pause.Token));
            await pause.CancelAsync();
        }
    }

    /// <summary>One round; tests call it instead of waiting.</summary>
    internal async Task RunOnceAsync(CancellationToken cancellationToken)
    {
        while (await store.ClaimAsync(AtOnce, cancellationToken) is { Count: > 0 } due)
        {
            // Targets side by side: a slow one must not hold up the others. Within one, in order.
            await Task.WhenAll(due.GroupBy(n => n.Target, StringComparer.Ordinal).Select(async group =>
            {
                foreach (var notice in group)
                {
                    var error = _targets.FirstOrDefault(t => t.Name == notice.Target) is { } target
                        ? await target.TryTellAsync(notice.Id, notice.Body, cancellationToken)
                        : $"{notice.Target} is not configured on this silo.";
                    if (error is not null)
                    {
                        LogNotTold(notice.Id, notice.Target, error, notice.Attempts + 1);
                    }

                    await store.AnswerAsync(notice, error, CancellationToken.None);
                }
            }));
        }
    }

    [LoggerMessage(3851, LogLevel.Warning, "Notice {Notice} could not be told to {Target}: {Error} (attempt {Attempt})")]
    private partial void LogNotTold(string notice, string target, string error, long attempt);

    [LoggerMessage(3852, LogLevel.Warning, "The outbox of notices cannot be read; the next round follows")]
    private partial void LogFailed(Exception exception);
}
