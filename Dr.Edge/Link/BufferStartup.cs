using Dr.Edge.Buffers;
using Microsoft.Extensions.Hosting;

namespace Dr.Edge.Link;

/// <summary>Opens the buffers and reads the epochs seen before any other part starts: none may act on an epoch memory that is not filled yet.</summary>
internal sealed class BufferStartup(EdgeBuffer buffer, StoredEpochMemory epochs) : IHostedLifecycleService
{
    public async Task StartingAsync(CancellationToken cancellationToken)
    {
        await buffer.OpenAsync(cancellationToken);
        await epochs.LoadAsync(cancellationToken);
    }

    public Task StartAsync(CancellationToken cancellationToken) => Task.CompletedTask;

    public Task StartedAsync(CancellationToken cancellationToken) => Task.CompletedTask;

    public Task StoppingAsync(CancellationToken cancellationToken) => Task.CompletedTask;

    public Task StopAsync(CancellationToken cancellationToken) => Task.CompletedTask;

    public Task StoppedAsync(CancellationToken cancellationToken) => Task.CompletedTask;
}
