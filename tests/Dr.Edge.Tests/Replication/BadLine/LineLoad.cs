using System.Diagnostics;
using Dr.Edge.Volumes;

namespace Dr.Edge.Tests.Replication.BadLine;

/// <summary>Writers of random 4 KiB blocks, each of which waits for its answer before it writes again, until stopped.</summary>
internal sealed class LineLoad : IDisposable
{
    private readonly Thread[] _writers;
    private readonly ManualResetEventSlim _going = new(true);
    private long _answered;
    private long _slowest;
    private volatile bool _isStopping;

    public LineLoad(Volume volume, int writers)
    {
        _writers = [.. Enumerable.Range(0, writers).Select(i => new Thread(() => Write(volume, new Random(i))))];
        Array.ForEach(_writers, writer => writer.Start());
    }

    public long Answered => Interlocked.Read(ref _answered);

    public double SlowestSeconds => TimeSpan.FromTicks(Interlocked.Read(ref _slowest)).TotalSeconds;

    public void Pause() => _going.Reset();

    public void Stop()
    {
        _isStopping = true;
        _going.Set();
        Array.ForEach(_writers, writer => writer.Join());
    }

    public void Dispose()
    {
        _isStopping = true;
        _going.Set();
    }

    private void Write(Volume volume, Random random)
    {
        var data = new byte[4096];
        try
        {
            while (!_isStopping)
            {
                _going.Wait();
                random.NextBytes(data);
                var start = Stopwatch.GetTimestamp();
                volume.WriteAt(random.NextInt64(volume.SizeBytes / data.Length) * data.Length, data);
                Interlocked.Increment(ref _answered);
                var took = Stopwatch.GetElapsedTime(start).Ticks;
                for (var slowest = Interlocked.Read(ref _slowest); took > slowest;)
                {
                    slowest = Interlocked.CompareExchange(ref _slowest, took, slowest);
                }
            }
        }
        catch (BlockDeviceException)
        {
            // The volume is closed: the test is over.
        }
    }
}
