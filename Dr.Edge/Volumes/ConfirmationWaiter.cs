namespace Dr.Edge.Volumes;

/// <summary>One who waits until writes may be answered (<see cref="WriteTicket"/>). What it waits for belongs to whoever it waits at, under that one's lock; it is used for one wait after the other.</summary>
public abstract class ConfirmationWaiter
{
    /// <summary>It is on its list.</summary>
    internal bool IsListed { get; set; }

    internal WriteTicket Ticket { get; set; }

    /// <summary>When it came (<see cref="TimeProvider.GetTimestamp"/>).</summary>
    internal long Since { get; set; }

    /// <summary>What it waited for has come, or will not: it may look again. Once for each wait. Must be quick: it may be called under locks.</summary>
    protected internal abstract void Wake();
}
