namespace Dr.Silo.WebConsole;

/// <summary>
/// One reading for all who look: a hundred open pages cost the grains as much as one. A reading is handed out again while it is younger than
/// <see cref="MaxAge"/>; whoever comes while one is under way gets that one.
/// </summary>
internal sealed class SharedSnapshot(IConsoleData data, TimeProvider time, IHostApplicationLifetime? lifetime = null)
{
    /// <summary>Well below the page's own pace of a second, so that no page sees the same reading twice in a row.</summary>
    public static readonly TimeSpan MaxAge = TimeSpan.FromMilliseconds(300);

    // Guards the two fields below.
    private readonly Lock _gate = new();
    private Task<ConsoleSnapshot>? _reading;
    private long _startedAt;

    public Task<ConsoleSnapshot> ReadAsync(CancellationToken cancellationToken)
    {
        Task<ConsoleSnapshot> reading;
        lock (_gate)
        {
            if (_reading is null || (_reading.IsCompleted && (!_reading.IsCompletedSuccessfully || time.GetElapsedTime(_startedAt) >= MaxAge)))
            {
                _startedAt = time.GetTimestamp();

                // Not the caller's token: whoever else waits for this reading must not lose it when the first one leaves.
                _reading = data.ReadAsync(lifetime?.ApplicationStopping ?? CancellationToken.None);
            }

            reading = _reading;
        }

        return reading.WaitAsync(cancellationToken);
    }
}
