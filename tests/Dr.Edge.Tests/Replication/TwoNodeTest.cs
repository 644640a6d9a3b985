using Dr.Edge.Volumes;

namespace Dr.Edge.Tests.Replication;

/// <summary>What tests of two appliances share: production and backup, on real stores over loopback, new for every test.</summary>
public abstract class TwoNodeTest : IAsyncLifetime
{
    private static readonly TimeSpan CatchUpWithin = TimeSpan.FromSeconds(60);

    private protected Node Production { get; private set; } = null!;

    private protected Node Backup { get; private set; } = null!;

    public virtual async ValueTask InitializeAsync()
    {
        Production = await Node.StartAsync("production");
        Backup = await Node.StartAsync("backup");
    }

    public virtual async ValueTask DisposeAsync()
    {
        GC.SuppressFinalize(this);
        await Production.DisposeAsync();
        await Backup.DisposeAsync();
    }

    /// <summary>Returns when production's copies have everything; says how they stand when they do not get there.</summary>
    private protected Task SyncAsync(Volume volume) => SyncAsync(Production, volume);

    private protected async Task SyncAsync(Node node, Volume volume)
    {
        using var patience = new CancellationTokenSource(CatchUpWithin);
        try
        {
            await node.Copies.SyncAsync(volume, null, patience.Token);
        }
        catch (OperationCanceledException)
        {
            Assert.Fail($"The copy did not catch up: {string.Join("; ", node.Copies.Of(volume).Select(c => c.ToStatus()))}");
        }
    }
}
