namespace Dr.Silo.WebConsole;

/// <summary>Reads the parts of one snapshot side by side. A part that is late or fails becomes a sentence instead of holding up or spoiling the rest.</summary>
internal sealed partial class PartReader(TimeProvider time, ILogger logger)
{
    /// <summary>A part that has not answered by then is shown as missing; the page asks again a second later.</summary>
    public static readonly TimeSpan Limit = TimeSpan.FromSeconds(2);

    // Guards the list: parts end on different threads.
    private readonly Lock _gate = new();
    private readonly List<string> _missing = [];

    public IReadOnlyList<string> Missing
    {
        get
        {
            lock (_gate)
            {
                return [.. _missing.Order(StringComparer.Ordinal)];
            }
        }
    }

    /// <summary>Null when the part is missing.</summary>
    public async Task<T?> ReadAsync<T>(string what, Func<Task<T>> read, CancellationToken cancellationToken)
        where T : class?
    {
        try
        {
            return await read().WaitAsync(Limit, time, cancellationToken);
        }
        catch (TimeoutException)
        {
            Add($"{what} did not answer in time.");
            LogLate(what, Limit);
        }
        catch (Exception exception) when (exception is not OperationCanceledException)
        {
            // Whatever one part throws, the rest of the page is still what a person needs to see; the part is named on it.
            Add($"{what} could not be read: {exception.Message}");
            LogFailed(exception, what);
        }

        return null;
    }

    private void Add(string sentence)
    {
        lock (_gate)
        {
            _missing.Add(sentence);
        }
    }

    [LoggerMessage(4001, LogLevel.Warning, "{Part} did not answer the console within {Limit}")]
    private partial void LogLate(string part, TimeSpan limit);

    [LoggerMessage(4002, LogLevel.Warning, "{Part} could not be read for the console")]
    private partial void LogFailed(Exception exception, string part);
}
