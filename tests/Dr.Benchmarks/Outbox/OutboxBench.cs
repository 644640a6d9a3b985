using System.Collections.Concurrent;
using System.Diagnostics;
using System.Globalization;
using Dr.Contracts.Mqtt;
using Dr.Edge.Buffers;
using Microsoft.Extensions.Logging.Abstractions;

namespace Dr.Benchmarks.Outbox;

/// <summary>A kiosk's real outbox on the disk to be measured, and a plain file beside it.</summary>
internal sealed class OutboxBench : IAsyncDisposable
{
    /// <summary>Inserts and the plain file take turns of this length: what else the machine does, both see.</summary>
    private static readonly TimeSpan Turn = TimeSpan.FromSeconds(0.5);

    private const int PlainBytes = 4096;
    private const int FillersAtOnce = 64;
    private readonly string _directory;
    private readonly EdgeBuffer _buffer;
    private readonly FileStream _plain;
    private long _next;

    private OutboxBench(string directory)
    {
        _directory = directory;
        _buffer = new EdgeBuffer(new BufferOptions { Directory = Path.Combine(directory, "link") }, "bench", TimeProvider.System, NullLogger<EdgeBuffer>.Instance);
        _plain = new FileStream(Path.Combine(directory, "plain"), FileMode.Create, FileAccess.Write, FileShare.None, bufferSize: 0);
    }

    public static async Task<OutboxBench> OpenAsync(string parent, CancellationToken cancellationToken)
    {
        var directory = Path.Combine(Path.GetFullPath(parent), $"dr-bench-outbox-{Guid.NewGuid():N}");
        Directory.CreateDirectory(directory);
        var bench = new OutboxBench(directory);
        await bench._buffer.OpenAsync(cancellationToken);
        return bench;
    }

    /// <summary>Exactly so many transactions wait afterwards.</summary>
    public async Task FillAsync(int count, CancellationToken cancellationToken)
    {
        var content = await _buffer.ReadAsync(Lane.Transactions, Guid.Empty, 0, cancellationToken);
        await _buffer.ForgetAsync(content.Stream, Lane.Transactions, content.Range.Last - Math.Min(count, content.Range.Count), cancellationToken);
        var missing = count - (int)Math.Min(count, content.Range.Count);
        await Parallel.ForEachAsync(Enumerable.Range(0, missing), new ParallelOptions { MaxDegreeOfParallelism = FillersAtOnce, CancellationToken = cancellationToken }, async (_, ending) => await AddAsync(ending));
    }

    /// <param name="isDelivered">Batches are read and confirmed meanwhile, as fast as they can be: a link without any delay.</param>
    public async Task<OutboxLine> RunAsync(int atOnce, bool isDelivered, TimeSpan time, CancellationToken cancellationToken)
    {
        var (inserts, plain) = (new ConcurrentBag<double>(), new List<double>());
        var inserting = TimeSpan.Zero;
        for (var all = Stopwatch.StartNew(); all.Elapsed < time;)
        {
            var turn = Stopwatch.StartNew();
            using var ending = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
            var delivering = isDelivered ? DeliverAsync(ending.Token) : Task.CompletedTask;
            await Task.WhenAll(Enumerable.Range(0, atOnce).Select(_ => Task.Run(
                async () =>
                {
                    while (turn.Elapsed < Turn)
                    {
                        var began = Stopwatch.GetTimestamp();
                        await AddAsync(cancellationToken);
                        inserts.Add(Stopwatch.GetElapsedTime(began).TotalMilliseconds);
                    }
                },
                cancellationToken)));
            inserting += turn.Elapsed;
            await ending.CancelAsync();
            await delivering;
            for (turn.Restart(); turn.Elapsed < Turn / 2;)
            {
                plain.Add(Append());
            }
        }

        return new OutboxLine(inserts.Count / inserting.TotalSeconds, Latencies.Of(inserts), Latencies.Of(plain));
    }

    public async ValueTask DisposeAsync()
    {
        await _buffer.DisposeAsync();
        await _plain.DisposeAsync();
        Directory.Delete(_directory, recursive: true);
    }

    private Task AddAsync(CancellationToken cancellationToken)
    {
        var n = Interlocked.Increment(ref _next);
        var id = string.Create(CultureInfo.InvariantCulture, $"t{n:000000000}");
        var body = string.Create(CultureInfo.InvariantCulture, $$"""{"id":"{{id}}","kind":"borrow","card":"{{2100000 + (n % 40)}}","item":"{{n * 7919 % 1_000_000_000:000000000}}","title":"A book of some length, volume {{n}}"}""");
        return _buffer.AddAsync(Lane.Transactions, new DataRow { Kind = "kiosk.transaction", Key = id, At = DateTimeOffset.UtcNow, Body = body }, cancellationToken);
    }

    private async Task DeliverAsync(CancellationToken cancellationToken)
    {
        try
        {
            var content = await _buffer.ReadAsync(Lane.Transactions, Guid.Empty, 0, cancellationToken);
            for (var next = content.Range.First; ;)
            {
                content = await _buffer.ReadAsync(Lane.Transactions, content.Stream, next, cancellationToken);
                if (content.Rows.Count == 0)
                {
                    await _buffer.NextRow().WaitAsync(cancellationToken);
                    continue;
                }

                next += content.Rows.Count;
                await _buffer.ForgetAsync(content.Stream, Lane.Transactions, next - 1, cancellationToken);
            }
        }
        catch (OperationCanceledException)
        {
            // The turn is over.
        }
    }

    private double Append()
    {
        var began = Stopwatch.GetTimestamp();
        _plain.Write(stackalloc byte[PlainBytes]);
        _plain.Flush(flushToDisk: true);
        return Stopwatch.GetElapsedTime(began).TotalMilliseconds;
    }
}

/// <param name="Rate">Inserts a second while there were any.</param>
/// <param name="Plain">An append of 4 KiB with fsync, in turns between the inserts.</param>
internal sealed record OutboxLine(double Rate, Latencies Inserts, Latencies Plain);
