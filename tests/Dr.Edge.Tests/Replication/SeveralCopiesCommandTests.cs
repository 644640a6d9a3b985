using System.Text.Json;

namespace Dr.Edge.Tests.Replication;

/// <summary>Several copies of a volume, their bandwidth classes and their modes, as people type it.</summary>
public class SeveralCopiesCommandTests
{
    [Fact]
    public async Task A_mirror_and_a_stream_change_places_and_classes_while_clients_write()
    {
        await using var production = new EdgeProcess();
        await using var near = new EdgeProcess();
        await using var far = new EdgeProcess();
        await Task.WhenAll(production.StartAsync(), near.StartAsync(), far.StartAsync());
        await production.RunAsync("volume", "create", "dilas", "--size", "16MiB");
        (await production.RunAsync("bandwidth", "set", "internet", "--rate", "0.064")).ShouldContain("internet  0.064 Mbit/s, shared by its copies (set by command)");
        await production.RunAsync("copy", "add", "dilas", "--peer", near.Address, "--mode", "sync");
        await production.RunAsync("copy", "add", "dilas", "--peer", far.Address, "--mode", "stream", "--class", "internet");

        // At 64 kbit/s the far copy gets nowhere; the mirror does, and the rate is changed under what waits.
        var first = Content(1);
        await production.ImportAsync("dilas", first);
        await StateAsync(production, near, "sync", "whole");
        (await production.RunAsync("copy", "status", "dilas")).ShouldContain("class internet");
        (await production.RunAsync("bandwidth", "list")).ShouldContain($"copy             dilas -> {far.Address}");
        (await production.RefusedAsync("bandwidth", "reset", "internet")).ShouldContain($"The copy of 'dilas' at {far.Address} is in the bandwidth class 'internet'");
        (await production.RefusedAsync("copy", "set", "dilas", "--peer", far.Address, "--class", "nowhere")).ShouldContain("There is no bandwidth class 'nowhere'");
        await production.RunAsync("bandwidth", "set", "internet", "--rate", "0", "--own");

        // They change places while an import runs.
        var second = Content(2);
        var writing = production.ImportAsync("dilas", second);
        await production.RunAsync("copy", "set", "dilas", "--peer", far.Address, "--mode", "sync");
        await production.RunAsync("copy", "set", "dilas", "--peer", near.Address, "--mode", "stream", "--class", "internet");
        await writing;
        await StateAsync(production, far, "sync", "whole");
        await StateAsync(production, near, "stream", "none");
        await production.RunAsync("copy", "sync", "dilas", "--first");
        foreach (var copy in (EdgeProcess[])[near, far])
        {
            (await copy.ExportAsync("dilas")).AsSpan().SequenceEqual(second).ShouldBeTrue("the copies have what was written last");
        }

        var refused = await near.RefusedAsync("copy", "add", "dilas", "--peer", far.Address, "--mode", "stream");
        refused.ShouldContain("'dilas' is a replica here; a copy of a copy is not made.");
        refused.ShouldContain("Add the copy at the primary.");
    }

    private static byte[] Content(int seed)
    {
        var content = new byte[16 << 20];
        new Random(seed).NextBytes(content.AsSpan(0, 6 << 20));
        return content;
    }

    private static async Task StateAsync(EdgeProcess production, EdgeProcess peer, string mode, string mirror)
    {
        var last = default(JsonElement);
        for (var attempt = 0; attempt < 60; attempt++)
        {
            using var json = JsonDocument.Parse(await production.RunAsync("copy", "status", "dilas", "--json"));
            last = json.RootElement.GetProperty("copies").EnumerateArray().Single(c => c.GetProperty("peer").GetString() == peer.Address).Clone();
            if (last.GetProperty("mode").GetString() == mode && last.GetProperty("mirror").GetString() == mirror)
            {
                return;
            }
        }

        Assert.Fail($"the copy at {peer.Address} did not become {mode}, mirror {mirror}: {last}");
    }
}
