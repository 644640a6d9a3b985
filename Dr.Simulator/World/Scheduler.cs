namespace Dr.Simulator.World;

/// <summary>
/// Virtual time: one thread, one queue, events at the same instant in the order in which they were asked for. Nothing here knows the real clock.
/// </summary>
internal sealed class Scheduler(DateTimeOffset start)
{
    private readonly PriorityQueue<Action, Due> _queue = new();
    private readonly TimeSpan _offset = start.Offset;
    private long _order;

    public DateTimeOffset Now { get; private set; } = start;

    /// <summary>Events carried out so far.</summary>
    public long Count { get; private set; }

    public void At(DateTimeOffset at, Action action) => _queue.Enqueue(action, new Due(Math.Max(at.UtcTicks, Now.UtcTicks), _order++));

    public void After(TimeSpan delay, Action action) => At(Now + delay, action);

    /// <summary>Runs until nothing is left or <paramref name="until"/> is reached.</summary>
    public void Run(DateTimeOffset until, CancellationToken cancellationToken)
    {
        while (_queue.TryPeek(out _, out var next) && next.Ticks <= until.UtcTicks)
        {
            cancellationToken.ThrowIfCancellationRequested();
            var action = _queue.Dequeue();
            Now = new DateTimeOffset(next.Ticks + _offset.Ticks, _offset);
            Count++;
            action();
        }
    }

    /// <summary>What the queue goes by; compared more often than anything else in a run.</summary>
    private readonly record struct Due(long Ticks, long Order) : IComparable<Due>
    {
        public int CompareTo(Due other) => Ticks != other.Ticks ? Ticks.CompareTo(other.Ticks) : Order.CompareTo(other.Order);
    }
}
