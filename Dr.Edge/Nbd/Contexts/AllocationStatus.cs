using Dr.Edge.Volumes;

namespace Dr.Edge.Nbd.Contexts;

/// <summary><c>base:allocation</c>: holes read as zeros and take no space; everything else is data. Of a live volume it is as of each question.</summary>
internal sealed class AllocationStatus(IBlockDevice device) : IStatusSource
{
    private readonly List<AllocationRun> _runs = [];

    public void GetStatus(long offset, long length, int maxRuns, List<StatusRun> runs)
    {
        _runs.Clear();
        device.GetAllocation(offset, length, maxRuns, _runs);
        foreach (var run in _runs)
        {
            runs.Add(new StatusRun(run.Length, run.IsZero ? NbdProtocol.AllocationHole | NbdProtocol.AllocationZero : 0));
        }
    }

    public void Dispose()
    {
        // The device is the lease's.
    }
}
