using System.Collections.Concurrent;
using Dr.Edge.Link;

namespace Dr.Edge.Buffers;

/// <summary>The epoch memory in the transactions' file, with a copy in memory for the readers.</summary>
internal sealed class StoredEpochMemory(EdgeBuffer buffer) : EpochMemory, IDisposable
{
    private readonly ConcurrentDictionary<SystemId, Epoch> _highest = new();
    private readonly SemaphoreSlim _writing = new(1, 1);

    public async Task LoadAsync(CancellationToken cancellationToken)
    {
        foreach (var (system, epoch) in await buffer.SeenEpochsAsync(cancellationToken))
        {
            _highest[system] = epoch;
        }
    }

    public void Dispose() => _writing.Dispose();

    public override Epoch Highest(SystemId system) => _highest.GetValueOrDefault(system);

    public override async Task<bool> SeeAsync(SystemId system, Epoch epoch, CancellationToken cancellationToken)
    {
        if (epoch.CompareTo(Highest(system)) <= 0)
        {
            return epoch.CompareTo(Highest(system)) == 0;
        }

        await _writing.WaitAsync(cancellationToken);
        try
        {
            if (epoch.CompareTo(Highest(system)) > 0)
            {
                await buffer.SetSeenEpochAsync(system, epoch, cancellationToken);
                _highest[system] = epoch;
            }

            return epoch.CompareTo(Highest(system)) == 0;
        }
        finally
        {
            _writing.Release();
        }
    }
}
