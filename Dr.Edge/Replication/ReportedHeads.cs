namespace Dr.Edge.Replication;

/// <summary>
/// Turns "at this time the head was there" into "current as of": the newest time whose head is reached. Pure; on the target with the source's times, on the source for the
/// age of a copy. Times and heads only grow, so what is reached comes off the front.
/// </summary>
internal sealed class ReportedHeads
{
    /// <summary>Enough for half an hour at two a second; beyond it the newest report gives way to the next, which costs resolution and never truth.</summary>
    private const int Limit = 4096;

    private readonly LinkedList<(DateTimeOffset At, SequenceNumber Head)> _pending = new();

    public DateTimeOffset? CurrentAsOf { get; private set; }

    public void Report(DateTimeOffset at, SequenceNumber head, SequenceNumber reached)
    {
        if (_pending.Count == Limit)
        {
            _pending.RemoveLast();
        }

        _pending.AddLast((at, head));
        Reach(reached);
    }

    /// <summary>True when this moved <see cref="CurrentAsOf"/>.</summary>
    public bool Reach(SequenceNumber position)
    {
        var moved = false;
        while (_pending.First is { } oldest && oldest.Value.Head <= position)
        {
            if (CurrentAsOf is null || oldest.Value.At > CurrentAsOf)
            {
                CurrentAsOf = oldest.Value.At;
                moved = true;
            }

            _pending.RemoveFirst();
        }

        return moved;
    }
}
