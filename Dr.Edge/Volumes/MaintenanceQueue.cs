using System.Threading.Channels;
using Microsoft.Extensions.Logging;

namespace Dr.Edge.Volumes;

/// <summary>One background thread for work that no client waits for. A job that fails is logged and comes again with the next reason to run it.</summary>
internal sealed partial class MaintenanceQueue : IAsyncDisposable
{
    // Unbounded because jobs come from taking and deleting points, at most a few per volume and second.
    private readonly Channel<Action> _jobs = Channel.CreateUnbounded<Action>(new UnboundedChannelOptions { SingleReader = true });
    private readonly ILogger _logger;
    private readonly Task _worker;
    private readonly CancellationTokenSource _stop = new();
    private readonly TaskCompletionSource _started = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private volatile bool _stopping;

    /// <summary>Set when the queue stops; jobs that wait end their wait with it.</summary>
    public CancellationToken Stopping => _stop.Token;

    public MaintenanceQueue(ILogger logger)
    {
        _logger = logger;
        _worker = Task.Run(RunAsync);
    }

    /// <summary>Once every volume is open: only then has each clone said what it needs of the volume it was made of.</summary>
    public void Start() => _started.TrySetResult();

    /// <summary>After the stop nothing is taken any more; what was left undone is found again at the next open.</summary>
    public void Post(Action job) => _jobs.Writer.TryWrite(job);

    /// <summary>Completes when everything posted so far has run.</summary>
    public Task DrainAsync()
    {
        var done = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        if (!_jobs.Writer.TryWrite(done.SetResult))
        {
            done.SetResult();
        }

        return done.Task;
    }

    /// <summary>What waits is left undone, what runs is cancelled where it can be.</summary>
    public void Stop()
    {
        _stopping = true;
        _stop.Cancel();
    }

    public async ValueTask DisposeAsync()
    {
        Stop();
        Start();
        _jobs.Writer.TryComplete();
        await _worker;
    }

    private async Task RunAsync()
    {
        await _started.Task;
        await foreach (var job in _jobs.Reader.ReadAllAsync())
        {
            if (_stopping)
            {
                continue;
            }

            try
            {
                job();
            }
            catch (Exception exception) when (exception is DrException or IOException or ObjectDisposedException)
            {
                LogFailed(exception);
            }
            catch (Exception exception)
            {
                // A fault of ours, met by one job: a broken invariant stops before it does harm. A queue that ended here would leave every volume without merges, and its disk filling, with nothing said.
                LogFault(exception);
            }
        }
    }

    [LoggerMessage(1111, LogLevel.Critical, "Background work of the volume store met a fault of this program; the other work goes on, this one is tried again when there is reason to")]
    private partial void LogFault(Exception exception);

    [LoggerMessage(1110, LogLevel.Warning, "Background work of the volume store failed; it is tried again when there is reason to")]
    private partial void LogFailed(Exception exception);
}
