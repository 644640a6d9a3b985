using System.Diagnostics;
using Microsoft.Win32.SafeHandles;

namespace Dr.Benchmarks.Replication.Cost;

/// <summary>
/// The perfect copy: a plain file on the far end's disk that gets the same number of bytes at the same time, with no line, no protocol, no checksums and no store. What a volume keeps of its IOPS beside it is the bound that
/// this machine, with both ends on its processors and perhaps on one disk, sets for any copy.
/// </summary>
internal sealed class TwinFile : IDisposable
{
    /// <summary>What a batch of one block takes in the log: a header, a descriptor and the block.</summary>
    public const int RecordBytes = 4096 + 256;

    private readonly string _path;
    private readonly SafeFileHandle _file;
    private readonly Thread _flusher;
    private readonly Lock _appending = new(); // As a volume's: threads that meet in the kernel at one file's lock sleep there, which costs more than the write.
    private readonly Lock _syncing = new();
    private readonly byte[] _record = new byte[RecordBytes];
    private readonly byte[] _run = new byte[256 * 1024];
    private long _written;
    private long _durable;
    private readonly ManualResetEventSlim _asked = new(false);
    private volatile bool _stopping;

    public TwinFile(string directory)
    {
        _path = Path.Combine(directory, $"dr-bench-twin-{Guid.NewGuid():N}");
        _file = File.OpenHandle(_path, FileMode.CreateNew, FileAccess.ReadWrite);
        new Random(1).NextBytes(_record);
        new Random(1).NextBytes(_run);
        _flusher = new Thread(Flush) { IsBackground = true };
        _flusher.Start();
    }

    /// <summary>As a synchronous copy: on the writer's thread; the file has it on return.</summary>
    public void Write()
    {
        lock (_appending)
        {
            RandomAccess.Write(_file, _record, _written);
            Volatile.Write(ref _written, _written + RecordBytes);
        }
    }

    /// <summary>Has all that is written made durable, beside the caller.</summary>
    public void BeginFlush() => _asked.Set();

    /// <summary>Returns when all that was written before the call is durable; one flush serves all who wait.</summary>
    public void WaitFlushed()
    {
        var upTo = Volatile.Read(ref _written);
        while (Volatile.Read(ref _durable) < upTo)
        {
            Sync(upTo);
        }
    }

    /// <summary>As a stream: takes what <paramref name="appended"/> (bytes, only growing) says has come, in runs, until cancelled; durable every so often or so many bytes, as a stream's far end.</summary>
    public void Follow(Func<long> appended, TimeSpan within, long withinBytes, CancellationToken cancellationToken)
    {
        var start = appended();
        var (taken, flushed, last) = (0L, 0L, Stopwatch.GetTimestamp());
        while (!cancellationToken.IsCancellationRequested)
        {
            var waiting = appended() - start - taken;
            if (waiting < _run.Length / 2 && Stopwatch.GetElapsedTime(last) < within)
            {
                Thread.Sleep(1);
                continue;
            }

            for (; waiting > 0; waiting -= _run.Length)
            {
                var length = (int)Math.Min(waiting, _run.Length);
                RandomAccess.Write(_file, _run.AsSpan(0, length), _written);
                _written += length;
                taken += length;
            }

            if (taken - flushed >= withinBytes || Stopwatch.GetElapsedTime(last) >= within)
            {
                BeginFlush();
                (flushed, last) = (taken, Stopwatch.GetTimestamp());
            }
        }
    }

    public void Dispose()
    {
        _stopping = true;
        _asked.Set();
        _flusher.Join();
        _file.Dispose();
        _asked.Dispose();
        File.Delete(_path);
    }

    private void Sync(long upTo)
    {
        lock (_syncing)
        {
            if (_durable < upTo)
            {
                var covers = Volatile.Read(ref _written);
                RandomAccess.FlushToDisk(_file);
                Volatile.Write(ref _durable, covers);
            }
        }
    }

    private void Flush()
    {
        while (true)
        {
            _asked.Wait();
            _asked.Reset();
            if (_stopping)
            {
                return;
            }

            Sync(Volatile.Read(ref _written));
        }
    }
}
