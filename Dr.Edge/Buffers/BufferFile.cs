using System.Threading.Channels;
using LiteDB;
using Microsoft.Extensions.Logging;

namespace Dr.Edge.Buffers;

/// <summary>
/// One LiteDB file and the one thread that touches it: concurrent writers have damaged such files. Work that waits together is committed together (at most
/// <see cref="GroupMax"/> pieces), and no piece is answered before the commit is on disk. A file that is not as it was written is set aside, never repaired by guessing, and the owner goes on with a
/// new one.
/// </summary>
internal sealed partial class BufferFile : IAsyncDisposable
{
    /// <summary>Work of one transaction. Larger groups only make the first one wait.</summary>
    public const int GroupMax = 64;

    /// <summary>Work that may wait; more callers than this wait for room in the queue.</summary>
    private const int QueueMax = 1_024;

    private static readonly TimeSpan ReopenEvery = TimeSpan.FromSeconds(1);

    private readonly string _path;
    private readonly long _limitBytes;
    private readonly ILogger _logger;
    private readonly TimeProvider _time;
    private readonly Channel<Work> _queue = Channel.CreateBounded<Work>(new BoundedChannelOptions(QueueMax) { FullMode = BoundedChannelFullMode.Wait, SingleReader = true });
    private readonly TaskCompletionSource _opened = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private readonly ManualResetEventSlim _closing = new();
    private readonly Thread _thread;
    private readonly Func<string, Stream> _open;
    private BufferDisk? _disk;
    private LiteDatabase? _database;
    private BufferTables? _tables;

    /// <param name="open">Opens one of the two files; null = as a file of this machine.</param>
    public BufferFile(string path, long limitBytes, TimeProvider time, ILogger logger, Func<string, Stream>? open = null)
    {
        (_path, _limitBytes, _time, _logger, _open) = (path, limitBytes, time, logger, open ?? OpenFile);
        _thread = new Thread(Run) { Name = $"buffer {System.IO.Path.GetFileName(path)}", IsBackground = true };
        _thread.Start();
    }

    /// <summary>Completes when the file is open and checked.</summary>
    public Task Opened => _opened.Task;

    /// <summary>The files that were set aside since the start, with the reason.</summary>
    public IReadOnlyList<(string File, string Reason)> SetAside { get; private set; } = [];

    /// <summary>Runs <paramref name="work"/> on the owning thread; completes after everything it wrote is on disk. When it throws, it must not have written.</summary>
    /// <exception cref="DrException">The work refused, or the file cannot be written at present.</exception>
    public async Task<T> DoAsync<T>(Func<BufferTables, T> work, CancellationToken cancellationToken)
    {
        var item = new Work<T>(work);
        try
        {
            await _queue.Writer.WriteAsync(item, cancellationToken);
        }
        catch (ChannelClosedException exception)
        {
            throw exception.InnerException is DrException reason
                ? new DrException(reason.Message, reason.Hint, exception, isTransient: true)
                : new DrException($"The buffer {_path} is closed.", "The agent stops.", exception, isTransient: true);
        }

        return await item.Task;
    }

    public async ValueTask DisposeAsync()
    {
        _queue.Writer.TryComplete();
        _closing.Set();
        if (_thread.IsAlive)
        {
            await Task.Run(_thread.Join);
        }

        _closing.Dispose();
    }

    private void Run()
    {
        var group = new List<Work>(GroupMax);
        try
        {
            Open();
            _opened.TrySetResult();
            while (WaitForWork())
            {
                while (group.Count < GroupMax && _queue.Reader.TryRead(out var item))
                {
                    group.Add(item);
                }

                RunGroup(group);
                group.Clear();
            }
        }
        catch (Exception exception)
        {
            // Nothing is owed to anybody but the reason: the file could neither be opened nor replaced (directory missing, disk full, no permission).
            _opened.TrySetException(Unusable(exception));
            _queue.Writer.TryComplete(Unusable(exception));
            while (_queue.Reader.TryRead(out var item))
            {
                group.Add(item);
            }

            group.ForEach(item => item.Fail(Unusable(exception)));
        }
        finally
        {
            Close();
        }
    }

    private bool WaitForWork()
    {
        // This thread exists to block: it owns the file, and everyone else awaits.
        var wait = _queue.Reader.WaitToReadAsync();
        return wait.IsCompletedSuccessfully ? wait.Result : wait.AsTask().GetAwaiter().GetResult();
    }

    private void RunGroup(List<Work> group)
    {
        try
        {
            _database!.BeginTrans();
            foreach (var item in group)
            {
                item.Run(_tables!);
            }

            _database.Commit();
            // A commit only hands its pages to a writer in the background, and has lost answered rows in the crash test. The checkpoint waits for that
            // writer, flushes the log, then the file, and only then empties the log: after it the rows are on disk.
            _database.Checkpoint();
            Require();
        }
        catch (Exception exception)
        {
            // Whatever it is, not only what the disk says: the library reports trouble with whatever its code runs into, and who waits must hear of it.
            LogGroupFailed(exception, _path);
            foreach (var item in group)
            {
                item.Fail(new DrException($"The buffer {_path} could not be written: {exception.Message}", "Check the disk of the data directory; the agent tries again.", exception, isTransient: true));
            }

            // What the tables remember may be ahead of the disk now: read everything again, and set the file aside if it is not whole.
            Close();
            Reopen();
            return;
        }

        foreach (var item in group)
        {
            item.Complete();
        }
    }

    /// <summary>A full or failing disk may recover: the file is tried again for as long as the agent runs, and what is asked meanwhile is refused.</summary>
    private void Reopen()
    {
        while (!_queue.Reader.Completion.IsCompleted)
        {
            try
            {
                Open();
                return;
            }
            catch (Exception exception)
            {
                LogGroupFailed(exception, _path);
                Close();
                while (_queue.Reader.TryRead(out var item))
                {
                    item.Fail(Unusable(exception));
                }

                _closing.Wait(ReopenEvery);
            }
        }
    }

    private void Open()
    {
        try
        {
            OpenTables();
        }
        catch (Exception exception) when (exception is not (IOException or UnauthorizedAccessException or OutOfMemoryException) && File.Exists(_path))
        {
            // The library reports damage with whatever exception its parsing runs into; all of them mean that this file cannot be trusted.
            Close();
            MoveAside(exception);
            OpenTables();
        }
    }

    private void OpenTables()
    {
        Directory.CreateDirectory(System.IO.Path.GetDirectoryName(_path)!);
        _disk = new BufferDisk(_path, LogPath, _open);
        _database = new LiteDatabase(_disk.Data, mapper: null, _disk.Log);
        _database.BeginTrans();
        _tables = new BufferTables(_database, _path, _limitBytes);
        _database.Commit();
        _database.Checkpoint();
        Require();
    }

    /// <summary>Everything that was written until now is on disk.</summary>
    /// <exception cref="IOException">It is not.</exception>
    private void Require()
    {
        if (_disk!.Fault is { } fault)
        {
            throw new IOException(fault.Message, fault);
        }
    }

    private string LogPath => System.IO.Path.ChangeExtension(_path, null) + "-log" + System.IO.Path.GetExtension(_path);

    /// <summary>Unbuffered: what the library flushes has to be in the file.</summary>
    private static FileStream OpenFile(string path) => new(path, FileMode.OpenOrCreate, FileAccess.ReadWrite, FileShare.Read, bufferSize: 0);

    private void MoveAside(Exception reason)
    {
        var suffix = $".damaged-{_time.GetUtcNow():yyyyMMdd'T'HHmmssfff}";
        File.Move(_path, _path + suffix);
        if (File.Exists(LogPath))
        {
            File.Move(LogPath, LogPath + suffix);
        }

        SetAside = [.. SetAside, (_path + suffix, reason.Message)];
        LogSetAside(reason, _path + suffix);
    }

    private void Close()
    {
        try
        {
            _database?.Dispose();
        }
        catch (Exception exception)
        {
            // Everything answered is in its log file already; closing only folds the log into the file.
            LogCloseFailed(exception, _path);
        }

        _disk?.Dispose();
        (_database, _tables, _disk) = (null, null, null);
    }

    private DrException Unusable(Exception exception) =>
        new($"The buffer {_path} cannot be used: {exception.Message}", "Check that the data directory exists, is writable and has room, then start the agent again.", exception, isTransient: true);

    private abstract class Work
    {
        public abstract void Run(BufferTables tables);

        public abstract void Complete();

        public abstract void Fail(Exception exception);
    }

    private sealed class Work<T>(Func<BufferTables, T> work) : Work
    {
        private readonly TaskCompletionSource<T> _done = new(TaskCreationOptions.RunContinuationsAsynchronously);
        private T _result = default!;
        private DrException? _refusal;

        public Task<T> Task => _done.Task;

        public override void Run(BufferTables tables)
        {
            try
            {
                _result = work(tables);
            }
            catch (DrException exception) when (exception is not CorruptDataException)
            {
                // A refusal of this one piece; the others of the group are not concerned.
                _refusal = exception;
            }
        }

        public override void Complete()
        {
            if (_refusal is null)
            {
                _done.TrySetResult(_result);
            }
            else
            {
                _done.TrySetException(_refusal);
            }
        }

        public override void Fail(Exception exception) => _done.TrySetException(exception);
    }

    [LoggerMessage(1601, LogLevel.Error, "The buffer was damaged and is set aside as {File}; going on with a new one and a new stream")]
    private partial void LogSetAside(Exception reason, string file);

    [LoggerMessage(1602, LogLevel.Error, "Writing the buffer {File} failed; opening it again")]
    private partial void LogGroupFailed(Exception exception, string file);

    [LoggerMessage(1603, LogLevel.Warning, "Closing the buffer {File} failed")]
    private partial void LogCloseFailed(Exception exception, string file);
}
