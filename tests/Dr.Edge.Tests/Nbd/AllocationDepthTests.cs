using System.Text.Json;
using Dr.Contracts.Mqtt;
using Dr.Edge.Nbd;
using Dr.Edge.Tests.Nbd.Interop;
using Dr.Edge.Tests.Volumes;
using Dr.Edge.Volumes;

namespace Dr.Edge.Tests.Nbd;

/// <summary><c>qemu:allocation-depth</c> on the real store, judged by an oracle that remembers between which points each block was written last.</summary>
public sealed class AllocationDepthTests : IAsyncLifetime
{
    private const int Block = 4096;
    private const int Blocks = 512;
    private const string Depth = "qemu:allocation-depth";
    private StoreServer _stand = null!;

    public async ValueTask InitializeAsync() => _stand = await StoreServer.StartAsync(Blocks * Block);

    public ValueTask DisposeAsync() => _stand.DisposeAsync();

    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    public async Task The_depth_is_the_number_of_layers_down_to_the_data_at_every_point_now_and_in_a_clone(int seed)
    {
        var random = new Random(seed);
        var written = new int?[Blocks]; // In which layer, counted from 0; null = nothing is kept.
        var points = new List<(PointInfo Point, int?[] Written)>();
        for (var layer = 0; layer < 6; layer++)
        {
            Scribble(_stand.Volume, written, layer, random);
            points.Add((_stand.Volume.CreatePoint(null, PointConsistency.Crash, reason: null), [.. written]));
        }

        Scribble(_stand.Volume, written, 6, random);
        for (var round = 0; round < 2; round++)
        {
            ShouldBe("volume", written, 6);
            for (var i = 0; i < points.Count; i++)
            {
                ShouldBe($"volume@{points[i].Point.Id}", points[i].Written, i);
            }

            await _stand.RestartAsync(); // Maps come from the indexes then.
        }

        // A clone has the layers of the point below its own.
        var clone = _stand.Store.CreateClone(_stand.Volume, points[3].Point.Id, "clone");
        int?[] cloned = [.. points[3].Written];
        Scribble(clone, cloned, 4, random);
        ShouldBe("clone", cloned, 4);
        var own = clone.CreatePoint(null, PointConsistency.Crash, reason: null);
        Scribble(clone, cloned, 5, random);
        ShouldBe("clone", cloned, 5);
        own.ShouldNotBeNull();
    }

    [Fact]
    public async Task What_has_moved_into_the_base_is_the_deepest()
    {
        using var store = new StoreFixture();
        var volume = store.Set.Create("v", Blocks * Block);
        StoreFixture.Write(volume, 0, StoreFixture.Pattern(4 * Block, 1));
        var first = volume.CreatePoint(null, PointConsistency.Crash, null);
        StoreFixture.Write(volume, 2 * Block, StoreFixture.Pattern(4 * Block, 2));
        volume.CreatePoint(null, PointConsistency.Crash, null);
        StoreFixture.Write(volume, 5 * Block, StoreFixture.Pattern(Block, 3));
        await store.Set.Maintenance.DrainAsync(); // The first layer needs no file: its end is the oldest point.
        volume.State.BaseBlocks.ShouldBe(4);
        List<DepthRun> runs = [];
        volume.GetDepths(0, Blocks * Block, 100, runs);
        runs.ShouldBe([new(2 * Block, 3), new(3 * Block, 2), new(Block, 1), new((Blocks - 6) * Block, 0)]);
        using var view = volume.OpenView(first.Id);
        runs.Clear();
        view.GetDepths(Block, 4 * Block, 100, runs);
        runs.ShouldBe([new(3 * Block, 1), new(Block, 0)]);
    }

    [Fact]
    public async Task Nbdinfo_and_nbdsh_show_it()
    {
        await Tool.RunAsync("qemu-io", "-f", "raw", "-c", "write -P 1 0 64k", _stand.Uri("volume"));
        _stand.Volume.CreatePoint(null, PointConsistency.Crash, reason: null);
        await Tool.RunAsync("qemu-io", "-f", "raw", "-c", "write -P 2 16k 16k", "-c", "write -z 48k 8k", _stand.Uri("volume"));
        (long, long, long)[] expected = [(0, 16384, 2), (16384, 16384, 1), (32768, 16384, 2), (49152, 8192, 0), (57344, 8192, 2), (65536, (Blocks * Block) - 65536, 0)];
        using var nbdinfo = JsonDocument.Parse(await Tool.RunAsync("nbdinfo", $"--map={Depth}", "--json", _stand.Uri("volume")));
        nbdinfo.RootElement.EnumerateArray().Select(run => (run.GetProperty("offset").GetInt64(), run.GetProperty("length").GetInt64(), run.GetProperty("type").GetInt64())).ShouldBe(expected);

        // As nbdsh does, with the system's own interpreter whatever is first on the PATH.
        const string script = """
            h = nbd.NBD()
            h.add_meta_context("qemu:allocation-depth")
            h.connect_uri("URI")
            assert h.can_cache()
            h.cache(h.get_size(), 0)
            runs = []
            def note(context, offset, entries, error):
                assert context == "qemu:allocation-depth", context
                runs.extend(zip(entries[0::2], entries[1::2]))
            h.block_status(h.get_size(), 0, note)
            print(*["%d:%d" % run for run in runs])
            """;
        (await Tool.RunAsync("python3", "-m", "nbd", "-c", script.Replace("URI", _stand.Uri("volume"), StringComparison.Ordinal))).Trim().ShouldBe(string.Join(' ', expected.Select(run => $"{run.Item2}:{run.Item3}")));
    }

    private static void Scribble(Volume volume, int?[] written, int layer, Random random)
    {
        for (var count = 0; count < 12; count++)
        {
            var first = random.Next(Blocks);
            var length = 1 + random.Next(Math.Min(40, Blocks - first));
            if (random.Next(4) == 0)
            {
                StoreFixture.Zero(volume, first * Block, length * Block);
                written.AsSpan(first, length).Clear();
            }
            else
            {
                StoreFixture.Write(volume, first * Block, StoreFixture.Pattern(length * Block, random.Next()));
                written.AsSpan(first, length).Fill(layer);
            }
        }
    }

    private void ShouldBe(string export, int?[] written, int newest)
    {
        using var client = _stand.Server.Connect();
        client.Greet();
        client.AgreeStructuredReplies();
        var id = client.SelectContexts(export, Depth)[Depth];
        client.Go(export);
        var runs = client.Status(0, Blocks * Block)[id];
        runs.Zip(runs.Skip(1)).ShouldAllBe(pair => pair.First.Status != pair.Second.Status);
        var found = runs.SelectMany(run => Enumerable.Repeat((int)run.Status, (int)(run.Length / Block))).ToList();
        found.ShouldBe(written.Select(layer => layer is { } at ? newest - at + 1 : 0), $"{export}");
        client.Status(100, 10, NbdCommandFlags.RequestOne)[id].ShouldBe([(10L, (uint)found[0])]);
    }
}
