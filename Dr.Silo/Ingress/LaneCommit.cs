namespace Dr.Silo.Ingress;

/// <summary>What one batch changes.</summary>
/// <param name="HighWater">The high-water afterwards; the old one when nothing is taken.</param>
/// <param name="Skip">Rows at the batch's beginning that are there already.</param>
/// <param name="Gap">Rows before the batch are missing: nothing is taken.</param>
/// <param name="LostFrom">First of the rows that the device no longer holds and we never had; 0 when none are.</param>
internal readonly record struct LanePlan(long HighWater, int Skip, bool Gap, long LostFrom)
{
    public bool ChangesNothing(int rowCount) => Gap || Skip >= rowCount;
}

/// <summary>The rule by which rows are taken exactly once and in order. Pure; the storage applies it inside one transaction.</summary>
internal static class LaneCommit
{
    /// <param name="highWater">Highest sequence committed for (device, stream, lane); 0 for a stream never seen.</param>
    /// <param name="batch">A batch with at least one row.</param>
    public static LanePlan Plan(long highWater, DataBatch batch)
    {
        var last = batch.First + batch.Rows.Count - 1;
        if (last <= highWater)
        {
            return new LanePlan(highWater, batch.Rows.Count, Gap: false, LostFrom: 0);
        }

        if (batch.First <= highWater + 1)
        {
            return new LanePlan(last, (int)(highWater + 1 - batch.First), Gap: false, LostFrom: 0);
        }

        // Rows are missing before the batch. When the device does not hold them any more, they had been acknowledged to it: our own storage is an
        // older one. Waiting for them would stop the lane for ever; the loss is recorded instead.
        return batch.First == batch.Oldest
            ? new LanePlan(last, 0, Gap: false, LostFrom: highWater + 1)
            : new LanePlan(highWater, 0, Gap: true, LostFrom: 0);
    }
}
