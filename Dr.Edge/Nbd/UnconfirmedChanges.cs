using Dr.Edge.Volumes;

namespace Dr.Edge.Nbd;

/// <summary>Changes that the device has and that may not be answered yet, in the order in which it got them. One owner.</summary>
internal sealed class UnconfirmedChanges
{
    private readonly (WriteTicket Ticket, ulong Cookie, ulong Offset)[] _changes = new (WriteTicket, ulong, ulong)[2 * NbdLimits.MaxBatchExtents];
    private int _first;

    public int Count { get; private set; }

    public int Room => _changes.Length - Count;

    /// <summary>Stands for all of them; the default one when there is none.</summary>
    public WriteTicket All { get; private set; }

    /// <summary>What the one that <see cref="Take"/> gives next waits for.</summary>
    public WriteTicket Oldest => _changes[_first].Ticket;

    /// <summary>There must be <see cref="Room"/>.</summary>
    public void Add(WriteTicket ticket, ulong cookie, ulong offset)
    {
        _changes[(_first + Count++) % _changes.Length] = (ticket, cookie, offset);
        All = All.And(ticket);
    }

    public (ulong Cookie, ulong Offset) Take()
    {
        var (_, cookie, offset) = _changes[_first];
        _first = (_first + 1) % _changes.Length;
        if (--Count == 0)
        {
            All = default;
        }

        return (cookie, offset);
    }
}
