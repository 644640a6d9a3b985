using System.Runtime.ExceptionServices;
using Dr.Contracts.Wire;
using Dr.Edge.Volumes;
using Dr.Edge.Volumes.Disk;

namespace Dr.Edge.Replication;

/// <content>
/// Writers of a synchronous volume send what they appended themselves: they have nothing else to do than wait for the answer, and waking another thread for it would be most of what a write costs. What the stream's task
/// owns (the reader, the window, the end of what was sent) is the writers' only while the task rests at the journal's end, and one writer's at a time; whatever is not plainly the next run is left to the task.
/// </content>
internal sealed partial class SourceStream
{
    // Of _pushing.
    private const int Closed = 0; // The task's.
    private const int Open = 1; // The next writer's.
    private const int Taken = 2; // A writer sends.
    private const int Again = 3; // A writer sends, and others have appended since it looked.

    /// <summary>A writer has a client of its own to answer: after so many runs for others the task goes on.</summary>
    private const int MostPushes = 8;

    private int _pushing;
    private volatile bool _takingBack;
    private JournalReader? _reader;
    private SequenceNumber _last;
    private (JournalStatus Status, JournalRun Run)? _left;
    private ExceptionDispatchInfo? _pushFailure;

    /// <summary>Sends what is appended, on the thread of a writer that is going to wait for the answer; false when the stream's task has to do it.</summary>
    public bool TryPush()
    {
        while (true)
        {
            switch (Interlocked.CompareExchange(ref _pushing, Taken, Open))
            {
                case Open:
                    Push();
                    return true;
                case Taken:
                    if (Interlocked.CompareExchange(ref _pushing, Again, Taken) is Taken or Again)
                    {
                        return true;
                    }

                    continue;
                case Again:
                    return true;
                default:
                    return false;
            }
        }
    }

    // Nobody waits for a writer to come while the task is at work itself; and where writers push, none has to be told.
    private void OnAppended()
    {
        if (Volatile.Read(ref _pushing) == Closed)
        {
            _copy.Work.Set();
        }
    }

    private void Push()
    {
        for (var pushes = 0; ; pushes++)
        {
            ValueTask<bool> pushing;
            try
            {
                pushing = PushOnceAsync();
            }
            catch (Exception exception)
            {
                pushing = ValueTask.FromException<bool>(exception);
            }

            if (!pushing.IsCompletedSuccessfully)
            {
                _ = GiveBackAfterAsync(pushing);
                return;
            }

            if (!pushing.Result || pushes == MostPushes)
            {
                GiveBack(wake: true);
                return;
            }

            // A run has a longest length: more may be there.
            if (_volume.Appended > _last)
            {
                continue;
            }

            if (Interlocked.CompareExchange(ref _pushing, Open, Taken) == Taken)
            {
                if (_takingBack)
                {
                    _copy.Work.Set();
                }

                return;
            }

            Volatile.Write(ref _pushing, Taken);
        }
    }

    // The line is full: the writer has better things to do than to wait for it.
    private async Task GiveBackAfterAsync(ValueTask<bool> pushing)
    {
        try
        {
            await pushing;
        }
        catch (Exception exception)
        {
            _pushFailure = ExceptionDispatchInfo.Capture(exception);
        }

        GiveBack(wake: true);
    }

    private void GiveBack(bool wake)
    {
        Interlocked.Exchange(ref _pushing, Open);
        if (wake || _takingBack)
        {
            _copy.Work.Set();
        }
    }

    // False: the task goes on from here.
    private ValueTask<bool> PushOnceAsync()
    {
        if (_pushFailure is not null || _left is not null || !_volume.MaySend() || _copy.Settings.Mode != CopyMode.Sync || !_window.HasRoom || HasGrown)
        {
            return ValueTask.FromResult(false);
        }

        var status = _reader!.TryReadRun(FrameCodec.HeaderSize, JournalFrameBytes, out var run);
        if (status == JournalStatus.AtEnd)
        {
            return ValueTask.FromResult(true);
        }

        if (status != JournalStatus.Item || run.Point is not null || HasGrown)
        {
            _left = (status, run);
            return ValueTask.FromResult(false);
        }

        _last = run.Last;
        return PushRunAsync(run);
    }

    private async ValueTask<bool> PushRunAsync(JournalRun run)
    {
        await SendRunAsync(run, CancellationToken.None);
        return true;
    }

    /// <summary>At the journal's end, until there is something for the task to do; writers may push meanwhile.</summary>
    private async ValueTask RestAsync(bool isPushed, CancellationToken cancellationToken)
    {
        if (!isPushed)
        {
            await WaitForWorkAsync(cancellationToken);
            return;
        }

        Volatile.Write(ref _pushing, Open);

        // What was appended before this was seen is looked for once more: its writers may have found the task at work.
        if (_volume.Appended > _last)
        {
            _copy.Work.Set();
        }

        await _copy.Work.WaitAsync();
        _takingBack = true;
        while (Interlocked.CompareExchange(ref _pushing, Closed, Open) != Open)
        {
            await _copy.Work.WaitAsync();
        }

        _takingBack = false;
        _pushFailure?.Throw();
        AfterWork(cancellationToken);
    }
}
