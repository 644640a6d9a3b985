using Dr.Edge.Volumes;

namespace Dr.Edge.Nbd.Contexts;

/// <summary><c>qemu:allocation-depth</c>: how many layers down the data lie, 1 = the newest; 0 where none are kept. Of a live volume it is as of each question.</summary>
internal sealed class DepthStatus(IBlockDevice device) : IStatusSource
{
    private readonly List<DepthRun> _runs = [];

    public void GetStatus(long offset, long length, int maxRuns, List<StatusRun> runs)
    {
        _runs.Clear();
        device.GetDepths(offset, length, maxRuns, _runs);
        foreach (var run in _runs)
        {
            runs.Add(new StatusRun(run.Length, (uint)run.Depth));
        }
    }

    public void Dispose()
    {
        // The device is the lease's.
    }
}
