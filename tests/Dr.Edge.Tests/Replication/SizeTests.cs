using Dr.Contracts.Ids;
using Dr.Contracts.Mqtt;

namespace Dr.Edge.Tests.Replication;

/// <summary>Copies follow a volume that grows while they are fed, with the same size at every position; an owner that never saw a change of size wins over one that made it alone.</summary>
public sealed class SizeTests : TwoNodeTest
{
    private const int MiB = 1 << 20;
    private const long Old = 8 * MiB;
    private const long New = 12 * MiB;
    private readonly Random _random = new(20261122);

    [Theory]
    [InlineData(CopyMode.Stream)]
    [InlineData(CopyMode.Sync)]
    [InlineData(CopyMode.Delta)]
    public async Task A_copy_grows_with_its_volume_and_its_points_keep_their_sizes(CopyMode mode)
    {
        var volume = Production.Set.Create("dilas", Old);
        volume.WriteRandom(_random, 30);
        volume.Point("small");
        await Production.Copies.AddAsync(volume, Backup.Address, mode, null, default);
        await SyncAsync(volume);
        var copy = Backup.Set.Get("dilas");
        copy.SizeBytes.ShouldBe(Old);

        volume.Resize(New);
        volume.WriteAt(Old, [1, 2, 3]);
        volume.WriteRandom(_random, 30);
        volume.Resize(New + MiB);
        volume.WriteAt(New, [4, 5, 6]);
        volume.Point("large");
        await SyncAsync(volume);

        copy.FormerSizes.ShouldBe(volume.FormerSizes);
        copy.ShouldHoldTheSameAs(volume);
        foreach (var point in copy.Points)
        {
            copy.ContentDigest(point.Id).ShouldBe(volume.ContentDigest(point.Id), point.Label);
        }

        // Also after a restart of both, and with the copy far behind when the volume grew.
        await Backup.CloseAsync();
        if (mode != CopyMode.Sync)
        {
            volume.Resize(New + (2 * MiB));
            volume.WriteAt(New + MiB, [7]);
        }

        await Backup.OpenAsync();
        volume.Point("last");
        await SyncAsync(volume);
        Backup.Set.Get("dilas").ShouldHoldTheSameAs(volume);
    }

    [Fact]
    public async Task A_copy_that_grew_alone_goes_back_to_its_owners_size_and_keeps_what_it_wrote_as_a_clone()
    {
        var volume = Production.Set.Create("dilas", Old);
        volume.WriteRandom(_random, 30);
        await Production.Copies.AddAsync(volume, Backup.Address, CopyMode.Stream, null, default);
        await SyncAsync(volume);
        await Backup.CloseAsync();
        volume.Resize(New);
        volume.WriteAt(New - MiB, [1, 2, 3]);
        var tail = volume.Content();

        await Production.CloseAsync();
        await Backup.OpenAsync();
        var backup = Backup.Set.Get("dilas");
        backup.Promote(new Epoch(2));
        backup.WriteRandom(_random, 10);
        await Production.OpenAsync();
        await Backup.Copies.AddAsync(backup, Production.Address, CopyMode.Stream, null, default);
        await SyncAsync(Backup, backup);

        volume = Production.Set.Get("dilas");
        volume.ShouldHoldTheSameAs(backup);
        Production.Set.Volumes.Single(v => v.Origin is not null).ShouldHold(tail);
    }
}
