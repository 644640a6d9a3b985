using Dr.Silo.Ingress;

namespace Dr.Silo.Cluster;

/// <summary>This silo's partitions among those of its cluster; <see cref="PulseService"/> says who is there.</summary>
internal sealed class ClusterShare : IPartitionShare
{
    private readonly Lock _gate = new(); // Guards the two below.
    private IReadOnlyList<byte> _current = [];
    private TaskCompletionSource _changed = New();

    /// <summary>None until the silo is a member.</summary>
    public IReadOnlyCollection<byte>? Current
    {
        get
        {
            lock (_gate)
            {
                return _current;
            }
        }
    }

    public Task WaitForChangeAsync(CancellationToken cancellationToken)
    {
        lock (_gate)
        {
            return _changed.Task.WaitAsync(cancellationToken);
        }
    }

    public void Set(IReadOnlyList<byte> share)
    {
        lock (_gate)
        {
            if (!share.SequenceEqual(_current))
            {
                _current = share;
                _changed.SetResult();
                _changed = New();
            }
        }
    }

    private static TaskCompletionSource New() => new(TaskCreationOptions.RunContinuationsAsynchronously);
}
