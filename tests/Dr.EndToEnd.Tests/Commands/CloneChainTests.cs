using System.Text.Json;
using Dr.EndToEnd.Tests.Crash;
using Dr.Simulator.Live.Judging;

namespace Dr.EndToEnd.Tests.Commands;

/// <summary>A clone of a clone of a clone through the commands and NBD, with dr-edge killed while it makes and while it deletes one: each is its own, and none is there by halves.</summary>
[Collection("whole machine")]
public sealed class CloneChainTests : IDisposable
{
    private const int SizeBytes = 4 << 20;
    private readonly string _folder = Directory.CreateTempSubdirectory("dr-clones-").FullName;
    private readonly Dictionary<string, byte[]> _model = [];
    private readonly Random _random = new(11);

    [Fact]
    public async Task A_chain_of_clones_survives_kills_while_one_is_made_or_deleted_and_each_keeps_its_own_writes()
    {
        // The volume and each clone pass the point once: the third clone is the fourth.
        await using (var edge = await EdgeProcess.StartToDieAsync(_folder, "clone.created:4"))
        {
            await edge.RunAsync("volume", "create", "v", "--size", "4MiB");
            _model["v"] = new byte[SizeBytes];
            Write(edge, "v");
            await edge.RunAsync("point", "create", "v", "--label", "p");
            await CloneAsync(edge, "v", "p", "c1");
            await edge.RunAsync("point", "create", "c1", "--label", "p");
            await CloneAsync(edge, "c1", "p", "c2");
            await edge.RunAsync("point", "create", "c2", "--label", "p");
            (await edge.TryAsync("clone", "create", "c2", "--at", "p", "--name", "c3")).ShouldSatisfyAllConditions(
                answer => answer.Status.ShouldBe(1), answer => answer.Output.ShouldContain("ended before it answered"));
            await edge.WaitForEndAsync();
        }

        await using (var edge = await EdgeProcess.StartToDieAsync(_folder, "volume.deleted:1"))
        {
            (await NamesAsync(edge)).ShouldBe(["c1", "c2", "v"]);
            Check(edge);
            await CloneAsync(edge, "c2", "p", "c3");
            foreach (var (says, arguments) in ((string, string[])[])
                [("clone c1", ["point", "delete", "v", "p"]), ("has a clone, c2", ["clone", "delete", "c1"]), ("has a clone, c1", ["volume", "delete", "v"])])
            {
                var (status, output) = await edge.TryAsync(arguments);
                (status, output.Contains(says, StringComparison.Ordinal)).ShouldBe((1, true), output);
            }

            Check(edge);
            (await edge.TryAsync("clone", "delete", "c3")).Status.ShouldBe(1);
            await edge.WaitForEndAsync();
            _model.Remove("c3");
        }

        await using (var edge = await EdgeProcess.StartAsync(_folder))
        {
            (await NamesAsync(edge)).ShouldBe(["c1", "c2", "v"]);
            Directory.GetDirectories(Path.Combine(_folder, "data", "volumes"), ".*").ShouldBeEmpty("what a kill left of the deletion is still there");
            Check(edge);
            foreach (var name in (string[])["c2", "c1"])
            {
                await edge.RunAsync("clone", "delete", name);
                _model.Remove(name);
            }

            await edge.RunAsync("point", "delete", "v", "p");
            Check(edge);
        }
    }

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    private static async Task<IEnumerable<string?>> NamesAsync(EdgeProcess edge)
    {
        using var list = JsonDocument.Parse(await edge.RunAsync("volume", "list", "--json"));
        return [.. list.RootElement.EnumerateArray().Select(volume => volume.GetProperty("name").GetString())];
    }

    /// <summary>A clone that begins as its parent is now, then goes its own way, and so does every other one.</summary>
    private async Task CloneAsync(EdgeProcess edge, string parent, string point, string name)
    {
        await edge.RunAsync("clone", "create", parent, "--at", point, "--name", name);
        _model[name] = [.. _model[parent]];
        Check(edge);
        Write(edge, name);
    }

    private void Write(EdgeProcess edge, string name)
    {
        using var client = new NbdClient(edge.NbdSocket, name);
        for (ulong number = 1; number <= 40; number++)
        {
            var data = new byte[1 + _random.Next(30_000)];
            _random.NextBytes(data);
            var offset = _random.Next(SizeBytes - data.Length);
            client.SendWrite(number, offset, data);
            client.ReceiveAnswer();
            data.CopyTo(_model[name], offset);
        }

        client.SendFlush(0);
        client.ReceiveAnswer();
    }

    private void Check(EdgeProcess edge)
    {
        foreach (var (name, content) in _model)
        {
            using var client = new NbdClient(edge.NbdSocket, name);
            client.Read(0, SizeBytes).AsSpan().CommonPrefixLength(content).ShouldBe(SizeBytes, $"{name} has other content from this byte on (seed 11)");
        }
    }
}
