using Dr.Edge.Volumes;

namespace Dr.Edge.Nbd.Contexts;

/// <summary><c>qemu:dirty-bitmap:POINT</c>: bit 0 where something was written since the point.</summary>
internal sealed class ChangeStatus(IChangeMap changes) : IStatusSource
{
    private readonly List<ChangeRun> _runs = [];

    public void GetStatus(long offset, long length, int maxRuns, List<StatusRun> runs)
    {
        _runs.Clear();
        changes.GetChanges(offset, length, maxRuns, _runs);
        foreach (var run in _runs)
        {
            runs.Add(new StatusRun(run.Length, run.IsChanged ? NbdProtocol.Dirty : 0));
        }
    }

    public void Dispose() => changes.Dispose();
}
