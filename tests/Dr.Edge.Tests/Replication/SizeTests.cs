using Dr.Contracts.Ids;
using Dr.Contracts.Mqtt;
using Dr.Edge.Volumes;

namespace Dr.Edge.Tests.Replication;

/// <summary>Copies follow a volume that grows while they are fed, with the same size at every position; an owner that never saw a change of size wins over one that made it alone.</summary>
public sealed class SizeTests : IAsyncLifetime
{
    private const int MiB = 1 << 20;
    private const long Old = 8 * MiB;
    private const long New = 12 * MiB;
    private readonly Random _random = new(20261122);
    private Node _production = null!;
    private Node _backup = null!;

    public async ValueTask InitializeAsync()
    {
        _production = await Node.StartAsync("production");
        _backup = await Node.StartAsync("backup");
    }

    public async ValueTask DisposeAsync()
    {
        await _production.DisposeAsync();
        await _backup.DisposeAsync();
    }

    [Theory]
    [InlineData(CopyMode.Stream)]
    [InlineData(CopyMode.Sync)]
    [InlineData(CopyMode.Delta)]
    public async Task A_copy_grows_with_its_volume_and_its_points_keep_their_sizes(CopyMode mode)
    {
        var volume = _production.Set.Create("dilas", Old);
        volume.WriteRandom(_random, 30);
        volume.Point("small");
        await _production.Copies.AddAsync(volume, _backup.Address, mode, null, default);
        await SyncAsync(_production, volume);
        var copy = _backup.Set.Get("dilas");
        copy.SizeBytes.ShouldBe(Old);

        volume.Resize(New);
        volume.WriteAt(Old, [1, 2, 3]);
        volume.WriteRandom(_random, 30);
        volume.Resize(New + MiB);
        volume.WriteAt(New, [4, 5, 6]);
        volume.Point("large");
        await SyncAsync(_production, volume);

        copy.FormerSizes.ShouldBe(volume.FormerSizes);
        copy.ShouldHoldTheSameAs(volume);
        foreach (var point in copy.Points)
        {
            copy.ContentDigest(point.Id).ShouldBe(volume.ContentDigest(point.Id), point.Label);
        }

        // Also after a restart of both, and with the copy far behind when the volume grew.
        await _backup.CloseAsync();
        if (mode != CopyMode.Sync)
        {
            volume.Resize(New + (2 * MiB));
            volume.WriteAt(New + MiB, [7]);
        }

        await _backup.OpenAsync();
        volume.Point("last");
        await SyncAsync(_production, volume);
        _backup.Set.Get("dilas").ShouldHoldTheSameAs(volume);
    }

    [Fact]
    public async Task A_copy_that_grew_alone_goes_back_to_its_owners_size_and_keeps_what_it_wrote_as_a_clone()
    {
        var volume = _production.Set.Create("dilas", Old);
        volume.WriteRandom(_random, 30);
        await _production.Copies.AddAsync(volume, _backup.Address, CopyMode.Stream, null, default);
        await SyncAsync(_production, volume);
        await _backup.CloseAsync();
        volume.Resize(New);
        volume.WriteAt(New - MiB, [1, 2, 3]);
        var tail = volume.Content();

        await _production.CloseAsync();
        await _backup.OpenAsync();
        var backup = _backup.Set.Get("dilas");
        backup.Promote(new Epoch(2));
        backup.WriteRandom(_random, 10);
        await _production.OpenAsync();
        await _backup.Copies.AddAsync(backup, _production.Address, CopyMode.Stream, null, default);
        await SyncAsync(_backup, backup);

        volume = _production.Set.Get("dilas");
        volume.ShouldHoldTheSameAs(backup);
        _production.Set.Volumes.Single(v => v.Origin is not null).ShouldHold(tail);
    }

    private static async Task SyncAsync(Node node, Volume volume)
    {
        using var patience = new CancellationTokenSource(TimeSpan.FromSeconds(10));
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
