using Dr.Edge.Buffers;
using Microsoft.Extensions.Logging;

namespace Dr.Edge.Kiosk.Sip2;

/// <summary>The transactions that wait for the library system, in a file of their own (<c>deliveries.db</c>). What a method returns is on disk.</summary>
internal sealed class DeliveryStore : IAsyncDisposable
{
    private static readonly TimeSpan Keep = TimeSpan.FromDays(90);
    private const long LimitBytes = 256L << 20;
    private readonly BufferFile _file;
    private readonly TimeProvider _time;
    private int _waiting;
    private TaskCompletionSource _added = new(TaskCreationOptions.RunContinuationsAsynchronously);

    public DeliveryStore(string directory, TimeProvider time, ILogger logger)
    {
        _time = time;
        _file = new BufferFile(Path.Combine(directory, "deliveries.db"), LimitBytes, time, logger);
    }

    /// <summary>How many are not answered.</summary>
    public int Waiting => Volatile.Read(ref _waiting);

    /// <summary>A damaged file that was set aside at this start, with the reason.</summary>
    public IReadOnlyList<(string File, string Reason)> SetAside => _file.SetAside;

    public async Task OpenAsync(CancellationToken cancellationToken)
    {
        await _file.Opened.WaitAsync(cancellationToken);
        var before = (_time.GetUtcNow() - Keep).ToUnixTimeMilliseconds();
        await _file.DoAsync(t => { t.Deliveries.Prune(before); return Count(t); }, cancellationToken);
    }

    public async Task<Delivery> AddAsync(string id, string card, string message, CancellationToken cancellationToken)
    {
        var now = _time.GetUtcNow().ToUnixTimeMilliseconds();
        var delivery = await _file.DoAsync(t => { var added = t.Deliveries.Add(id, card, message, now); Count(t); return added; }, cancellationToken);
        Interlocked.Exchange(ref _added, new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously)).TrySetResult();
        return delivery;
    }

    /// <summary>Completes at the next added one after the call.</summary>
    public Task NextAdded() => Volatile.Read(ref _added).Task;

    public Task<Delivery?> NextAsync(CancellationToken cancellationToken) => _file.DoAsync(t => t.Deliveries.Next(), cancellationToken);

    public Task AnswerAsync(long sequence, DeliveryState state, string answer, CancellationToken cancellationToken)
    {
        var now = _time.GetUtcNow().ToUnixTimeMilliseconds();
        return _file.DoAsync(t => { t.Deliveries.Answer(sequence, state, answer, now); return Count(t); }, cancellationToken);
    }

    public Task<Delivery?> FindAsync(string id, CancellationToken cancellationToken) => _file.DoAsync(t => t.Deliveries.Find(id), cancellationToken);

    /// <summary>Newest first.</summary>
    public Task<List<Delivery>> RecentAsync(int count, CancellationToken cancellationToken) => _file.DoAsync(t => t.Deliveries.Recent(count), cancellationToken);

    public ValueTask DisposeAsync() => _file.DisposeAsync();

    private bool Count(BufferTables tables)
    {
        Volatile.Write(ref _waiting, tables.Deliveries.Waiting);
        return true;
    }
}
