namespace Dr.Silo.Storage;

/// <summary>
/// Where the rows of devices end up. One transaction per batch: what the high-water of (device, stream, lane) says is there already is dropped, the rest is
/// inserted, the high-water raised. A row refused for its content goes to the dead-letter table and counts as taken, so that the lane goes on.
/// </summary>
public interface IDataSink
{
    /// <summary>
    /// Returns the high-water after the commit: the last row's sequence, or the old high-water, unchanged, when rows before <see cref="DataBatch.First"/> are missing.
    /// The same batch again changes nothing and gives the same answer.
    /// </summary>
    Task<long> CommitAsync(DeviceId device, DataBatch batch, CancellationToken cancellationToken);
}
