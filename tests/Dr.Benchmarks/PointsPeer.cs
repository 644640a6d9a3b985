using Dr.Edge.Cli;

namespace Dr.Benchmarks;

/// <summary>Our server with points: one, as many as a volume can hold, or a new one every second while it is measured.</summary>
internal sealed record PointsPeer(string Program, int Count, bool IsEverySecond, string Name) : EdgePeer(Program, Name)
{
    public const string One = "dr-edge, 1 point";
    public const string Many = "dr-edge, 255 points";
    public const string EverySecond = "dr-edge, a point every second";

    /// <summary>A point taken every second holds no write up for longer (99th percentile over the seconds of the longest in each).</summary>
    public static readonly TimeSpan PauseGoal = TimeSpan.FromMilliseconds(10);

    // A quarter of a megabyte in each layer: a point on an unchanged volume would not make one.
    private const int WritesBetween = 64;

    public static IReadOnlyList<PointsPeer> All(string program) =>
        [new(program, 1, false, One), new(program, 255, false, Many), new(program, 1, true, EverySecond)];

    public override async Task<IAsyncDisposable?> BeginAsync(string socket, long? sizeBytes, CancellationToken cancellationToken)
    {
        using var client = new ControlClient(ControlOf(socket));
        if (Count > 1)
        {
            await using var writer = sizeBytes is { } size ? ChildProcess.Start("fio", FioRunner.Background(Uri(socket), size, Count * WritesBetween * 8)) : null;
            for (var i = 0; i < Count; i++)
            {
                await TakeAsync(client, cancellationToken);
            }

            if (writer is not null)
            {
                await writer.KillAsync();
            }
        }
        else
        {
            await TakeAsync(client, cancellationToken);
        }

        // What a point leaves to do in the background is not what is measured.
        await Task.Delay(TimeSpan.FromSeconds(Count > 1 ? 3 : 1), cancellationToken);
        return IsEverySecond ? new Taker(ControlOf(socket)) : null;
    }

    private static Task<object> TakeAsync(ControlClient client, CancellationToken cancellationToken) =>
        client.PostAsync<object>($"volumes/{Volume}/points", new CreatePointRequest(null), cancellationToken);

    /// <summary>Takes a point every second until it is disposed.</summary>
    private sealed class Taker : IAsyncDisposable
    {
        private readonly CancellationTokenSource _end = new();
        private readonly Task _task;

        public Taker(string control) => _task = RunAsync(control);

        public async ValueTask DisposeAsync()
        {
            await _end.CancelAsync();
            await _task.ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
            _end.Dispose();
            if (_task.IsFaulted)
            {
                throw new BenchException($"Taking points failed: {_task.Exception!.InnerException!.Message}");
            }
        }

        private async Task RunAsync(string control)
        {
            using var client = new ControlClient(control);
            using var timer = new PeriodicTimer(TimeSpan.FromSeconds(1));
            while (await timer.WaitForNextTickAsync(_end.Token))
            {
                await TakeAsync(client, _end.Token);
            }
        }
    }
}
