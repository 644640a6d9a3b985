using Dr.Edge.Volumes;
using Dr.Edge.Volumes.Disk;

namespace Dr.Edge.Replication;

/// <summary>
/// Makes durable what a copy has applied, beside the stream that goes on applying: at once when the source asks, otherwise within <see cref="Within"/> or <see cref="WithinBytes"/>, so that the durable position
/// follows (what the source keeps for the copy, and what it would send again, depends on it).
/// </summary>
internal sealed class TargetFlusher : IAsyncDisposable
{
    /// <summary>A power cut of this side costs so much of what was only applied; five flushes a second are nothing for a disk.</summary>
    public static readonly TimeSpan Within = TimeSpan.FromMilliseconds(200);

    /// <summary>A quarter of what may be in flight: the source never waits for the clock.</summary>
    public const long WithinBytes = InFlightWindow.DefaultLimitBytes / 4;

    private readonly Volume _volume;
    private readonly Func<Task> _flushed;
    private readonly Func<Exception, Task> _failed;
    private readonly WorkSignal _due = new();
    private readonly ITimer _timer;
    private readonly Task _running;
    private long _bytes;
    private volatile bool _stopping;

    /// <param name="flushed">After each flush, also one that found nothing to do.</param>
    /// <param name="failed">Once, instead.</param>
    public TargetFlusher(Volume volume, TimeProvider time, Func<Task> flushed, Func<Exception, Task> failed)
    {
        (_volume, _flushed, _failed) = (volume, flushed, failed);
        _timer = time.CreateTimer(static due => ((WorkSignal)due!).Set(), _due, Timeout.InfiniteTimeSpan, Timeout.InfiniteTimeSpan);
        _running = Task.Run(RunAsync);
    }

    /// <summary>What is applied now, at once.</summary>
    public void Ask() => _due.Set();

    /// <summary>So much was appended.</summary>
    public void Applied(long bytes)
    {
        var waiting = Interlocked.Add(ref _bytes, bytes);
        if (waiting == bytes)
        {
            _timer.Change(Within, Timeout.InfiniteTimeSpan);
        }

        if (waiting >= WithinBytes)
        {
            _due.Set();
        }
    }

    /// <summary>Returns when the volume is no longer touched; what is not flushed by then stays so.</summary>
    public async ValueTask DisposeAsync()
    {
        _stopping = true;
        _due.Set();
        await _running;
        await _timer.DisposeAsync();
    }

    private async Task RunAsync()
    {
        try
        {
            while (true)
            {
                await _due.WaitAsync();
                if (_stopping)
                {
                    return;
                }

                // What comes from here on counts for the next one, although this one may cover it.
                Interlocked.Exchange(ref _bytes, 0);
                _volume.RequireFlushed();
                StoreFaults.Pass(CopyPoints.Flushed);
                await _flushed();
            }
        }
        catch (Exception exception)
        {
            await _failed(exception);
        }
    }
}
