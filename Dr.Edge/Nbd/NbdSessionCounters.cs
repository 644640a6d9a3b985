namespace Dr.Edge.Nbd;

/// <summary>What one connection has done; written by its thread alone.</summary>
internal sealed class NbdSessionCounters
{
    public long Requests { get; set; }

    public long Batches { get; set; }

    public long Refused { get; set; }

    public long Failed { get; set; }

    public long Sends { get; set; }

    public void Add(NbdSessionCounters? other)
    {
        if (other is not null)
        {
            Requests += other.Requests;
            Batches += other.Batches;
            Refused += other.Refused;
            Failed += other.Failed;
            Sends += other.Sends;
        }
    }
}
