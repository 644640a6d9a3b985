using Dr.Contracts.Errors;
using Dr.Contracts.Mqtt;
using Dr.Edge.Replication;

namespace Dr.Edge.Tests.Replication;

/// <summary>One volume with a mirror at its own site, a stream to the other site and a delta to a third, at once.</summary>
public sealed class SeveralCopiesTests
{
    [Fact]
    public async Task A_mirror_a_stream_and_a_delta_go_on_side_by_side_and_change_places_while_writes_go_on()
    {
        await using var production = await Node.StartAsync("production");
        await using var near = await Node.StartAsync("near");
        await using var far = await Node.StartAsync("far");
        await using var third = await Node.StartAsync("third");
        var volume = production.Set.Create("dilas", 16 << 20);
        volume.WriteRandom(new Random(1), 30);
        volume.Point("first");
        await production.Copies.AddAsync(volume, near.Address, CopyMode.Sync, null, default);
        await production.Copies.AddAsync(volume, far.Address, CopyMode.Stream, null, default);
        await production.Copies.AddAsync(volume, third.Address, CopyMode.Delta, null, default);
        SourceCopy At(Node node) => production.Copies.Of(volume).Single(c => c.Settings.Peer == node.Address);
        await WholeAsync(At(near));

        using var stop = new CancellationTokenSource();
        var writing = Task.Run(() =>
        {
            var random = new Random(2);
            while (!stop.IsCancellationRequested)
            {
                volume.WriteRandom(random, 1);
            }
        });
        await Node.Until(() => At(far).ToStatus().Durable.Value > 100 && At(third).ToStatus().LastCommonPoint is not null, "the other two to follow", () => $"{At(far).ToStatus()} {At(third).ToStatus()}");

        // The mirror becomes a stream and the stream the mirror, in the middle of it.
        stop.Cancel();
        await writing;
        using var more = new CancellationTokenSource();
        writing = Task.Run(() =>
        {
            var random = new Random(3);
            while (!more.IsCancellationRequested)
            {
                volume.WriteRandom(random, 1);
            }
        });
        await production.Copies.SetAsync(volume, far.Address, s => s with { Mode = CopyMode.Sync }, default);
        await WholeAsync(At(far));
        await production.Copies.SetAsync(volume, near.Address, s => s with { Mode = CopyMode.Delta }, default);
        await production.Copies.SetAsync(volume, third.Address, s => s with { Mode = CopyMode.Stream }, default);
        await Node.Until(() => !At(near).Mirror.Model.WritesWait, "the old mirror to be let go");
        more.Cancel();
        await writing;
        volume.WriteAt(0, [1, 2, 3]);
        far.Set.Get("dilas").ShouldHoldTheSameAs(volume);

        volume.Point("last");
        using var patience = new CancellationTokenSource(TimeSpan.FromSeconds(30));
        await production.Copies.SyncAsync(volume, null, patience.Token);
        foreach (var node in (Node[])[near, far, third])
        {
            node.Set.Get("dilas").ShouldHoldTheSameAs(volume);
            node.Set.Get("dilas").Points[^1].ShouldBe(volume.Points[^1]);
        }

        (await Should.ThrowAsync<DrException>(() => far.Copies.AddAsync(far.Set.Get("dilas"), third.Address, CopyMode.Stream, null, default))).Message.ShouldContain("a copy of a copy is not made");
    }

    private static Task WholeAsync(SourceCopy copy) =>
        Node.Until(() => copy.ToStatus() is { State: CopyState.Current, Mirror: MirrorState.Whole }, "the mirror to be whole", () => $"{copy.ToStatus()} {copy.Mirror.Model}");
}
