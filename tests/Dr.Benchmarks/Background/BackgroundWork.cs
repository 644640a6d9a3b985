using System.Globalization;
using Dr.Contracts.Mqtt;
using Dr.Edge.Volumes;
using Dr.Edge.Volumes.Disk;
using Dr.Edge.Volumes.Scrubbing;
using Microsoft.Extensions.Logging.Abstractions;

namespace Dr.Benchmarks.Background;

/// <summary>Something that goes on beside clients and can be switched on and off.</summary>
internal abstract class BackgroundWork(VolumeSet set, Volume volume) : IDisposable
{
    private const int Piece = 1 << 20;
    private CancellationTokenSource _stop = new();
    private Task _running = Task.CompletedTask;

    public static IReadOnlyList<string> Names { get; } = ["scrub", "merge", "bitmap"];

    /// <summary>What was done while it was on, in words.</summary>
    public abstract string Done { get; }

    protected VolumeSet Set { get; } = set;

    protected Volume Volume { get; } = volume;

    public static BackgroundWork Create(string name, VolumeSet set, Volume volume, string socket) => name switch
    {
        "scrub" => new ScrubWork(set, volume),
        "merge" => new MergeWork(set, volume),
        "bitmap" => new BitmapWork(set, volume, socket),
        _ => throw new BenchException($"There is no work called {name}: {string.Join(", ", Names)}."),
    };

    /// <summary>Fills the volume, and takes a point.</summary>
    public virtual async Task PrepareAsync(CancellationToken cancellationToken)
    {
        Overwrite(1);
        Volume.CreatePoint(null, PointConsistency.Crash, null);
        await Set.Maintenance.DrainAsync().WaitAsync(cancellationToken);
    }

    /// <summary>Before each pair of runs.</summary>
    public virtual Task ReadyAsync(CancellationToken cancellationToken) => Task.CompletedTask;

    public void Begin()
    {
        _stop = new CancellationTokenSource();
        _running = Task.Factory.StartNew(() => WorkUntil(_stop.Token), CancellationToken.None, TaskCreationOptions.LongRunning, TaskScheduler.Default);
    }

    public async Task EndAsync()
    {
        await _stop.CancelAsync();
        await _running.ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        _stop.Dispose();
        if (_running.IsFaulted)
        {
            throw new BenchException($"The work in the background failed: {_running.Exception!.InnerException!.Message}");
        }

        await RestAsync();
    }

    public virtual void Dispose() => _stop.Dispose();

    /// <summary>After a run with the work: until nothing of it goes on.</summary>
    protected virtual Task RestAsync() => Task.CompletedTask;

    protected abstract void Work(CancellationToken cancellationToken);

    private void WorkUntil(CancellationToken cancellationToken)
    {
        try
        {
            Work(cancellationToken);
        }
        catch (OperationCanceledException) when (cancellationToken.IsCancellationRequested)
        {
            // That was the end of the run.
        }
    }

    /// <summary>Every <paramref name="step"/>th MiB of the volume.</summary>
    protected void Overwrite(int step)
    {
        var data = new byte[Piece];
        Random.Shared.NextBytes(data);
        for (long offset = 0; offset + Piece <= Volume.SizeBytes; offset += (long)step * Piece)
        {
            Volume.Write([new WriteExtent(offset, Piece, ExtentKind.Data, data)], forceUnitAccess: false);
        }

        Volume.Flush();
    }

    protected static string Megabytes(long bytes) => string.Create(CultureInfo.InvariantCulture, $"{bytes / 1e6:0} MB");

    private sealed class ScrubWork : BackgroundWork
    {
        private readonly Scrubber _scrubber;
        private readonly Dr.Edge.Volumes.Background.WorkPacer _pacer;

        public ScrubWork(VolumeSet set, Volume volume)
            : base(set, volume)
        {
            _pacer = set.NewPacer();
            _scrubber = new Scrubber(set, _pacer, TimeSpan.Zero, StoreFaults.None, NullLogger.Instance);
        }

        public override string Done => $"{Megabytes(_pacer.Bytes)} read";

        protected override void Work(CancellationToken cancellationToken)
        {
            while (!cancellationToken.IsCancellationRequested)
            {
                _scrubber.Start(Volume);
                while (_scrubber.Step(cancellationToken) && _scrubber.Book(Volume).Cursor is not null)
                {
                    // One piece after the other, as the service does.
                }
            }
        }
    }

    /// <summary>Half of the volume lies in a layer that nobody needs any more once the point before it goes.</summary>
    private sealed class MergeWork(VolumeSet set, Volume volume) : BackgroundWork(set, volume)
    {
        private long _merged;
        private long _before;

        public override string Done => $"{Megabytes(_merged)} of layers moved into the base";

        public override async Task ReadyAsync(CancellationToken cancellationToken)
        {
            // Short slices show how far it has come.
            Set.MergeSliceBytes = 4 << 20;
            Overwrite(2);
            Volume.CreatePoint(null, PointConsistency.Crash, null);
            await Set.Maintenance.DrainAsync().WaitAsync(cancellationToken);
        }

        protected override void Work(CancellationToken cancellationToken)
        {
            _before = Moved();
            while (Volume.Points.Count > 1)
            {
                Volume.DeletePoint(Volume.Points[0].Id);
            }

            cancellationToken.WaitHandle.WaitOne();
            _merged += Moved() - _before;
        }

        // What is left of it goes on by itself, at full speed once no client is there.
        protected override Task RestAsync() => Set.Maintenance.DrainAsync();

        private long Moved() => Volume.State.BaseSequence == Volume.Points[^1].Sequence.Value ? Volume.SizeBytes / 2 : Volume.State.MergedTo ?? 0;
    }

    /// <summary>Backup software that asks again and again which blocks changed since a point.</summary>
    private sealed class BitmapWork(VolumeSet set, Volume volume, string socket) : BackgroundWork(set, volume)
    {
        private int _asked;

        public override string Done => $"asked {_asked} times, once a second";

        protected override void Work(CancellationToken cancellationToken)
        {
            do
            {
                ChildProcess.RunAsync("nbdinfo", [$"--map=qemu:dirty-bitmap:{Volume.Points[0].Id}", "--totals", $"nbd+unix:///{Volume.Name}?socket={socket}"], cancellationToken).GetAwaiter().GetResult();
                _asked++;
            }
            while (!cancellationToken.WaitHandle.WaitOne(TimeSpan.FromSeconds(1)));
        }
    }
}
