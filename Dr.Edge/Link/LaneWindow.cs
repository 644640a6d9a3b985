using Dr.Edge.Buffers;

namespace Dr.Edge.Link;

internal enum AckEffect
{
    /// <summary>Old, repeated or of another stream.</summary>
    None,

    /// <summary>Rows up to <see cref="LaneWindow.Acknowledged"/> are committed and can go.</summary>
    Progress,

    /// <summary>The next batch starts again at <see cref="LaneWindow.Acknowledged"/> + 1.</summary>
    WentBack,

    /// <summary>The control plane has more than this file ever gave out: the file is an older copy of itself.</summary>
    Impossible,
}

/// <summary>
/// What of one lane is under way. No IO and no clock. Invariants: acknowledged ≤ sent; nothing is counted as delivered but by an acknowledgement; after going
/// back to a position, further gap reports of the same position, from batches that were under way, change nothing.
/// </summary>
internal sealed class LaneWindow(Guid stream, Lane lane, long acknowledged)
{
    private readonly Queue<long> _ends = new();
    private long _goneBackTo = -1;
    private int _credit = LinkLimits.BatchesUnderWayMax;

    public Guid Stream { get; } = stream;

    public Lane Lane { get; } = lane;

    public long Acknowledged { get; private set; } = acknowledged;

    public long Sent { get; private set; } = acknowledged;

    public int UnderWay => _ends.Count;

    public long NextFirst => Sent + 1;

    /// <summary>Most batches this lane may have under way, so that no lane takes all of them.</summary>
    public int Share => Math.Min(_credit, Lane switch { Lane.Transactions => 6, Lane.Status => 4, _ => 2 });

    public void OnSent(int rowCount)
    {
        Invariant.Require(rowCount > 0, "a batch has at least one row");
        Sent += rowCount;
        _ends.Enqueue(Sent);
    }

    /// <param name="ack">An acknowledgement of any stream and lane.</param>
    /// <param name="last">The last sequence given out in this lane.</param>
    public AckEffect OnAck(LaneAck ack, long last)
    {
        if (ack.Stream != Stream || ack.Lane != (int)Lane)
        {
            return AckEffect.None;
        }

        if (ack.HighWater > last)
        {
            return AckEffect.Impossible;
        }

        _credit = Math.Clamp(ack.Credit, 1, LinkLimits.BatchesUnderWayMax);
        if (ack.HighWater > Acknowledged)
        {
            Acknowledged = ack.HighWater;
            Sent = Math.Max(Sent, Acknowledged);
            while (_ends.TryPeek(out var end) && end <= Acknowledged)
            {
                _ends.Dequeue();
            }

            return AckEffect.Progress;
        }

        if (!ack.Gap || _goneBackTo == Acknowledged || Sent == Acknowledged)
        {
            return AckEffect.None;
        }

        GoBack();
        return AckEffect.WentBack;
    }

    /// <summary>Everything that is not acknowledged is sent again: a gap was reported, or no acknowledgement came in time.</summary>
    public void GoBack()
    {
        _goneBackTo = Acknowledged;
        Sent = Acknowledged;
        _ends.Clear();
    }
}
