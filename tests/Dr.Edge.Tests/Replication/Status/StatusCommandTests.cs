using System.Text.Json;

namespace Dr.Edge.Tests.Replication.Status;

/// <summary>The commands as people type them.</summary>
public class StatusCommandTests
{
    [Fact]
    public async Task Status_tells_people_and_machines_the_same_and_sync_says_when_it_is_done()
    {
        await using var production = new EdgeProcess();
        await using var backup = new EdgeProcess();
        await Task.WhenAll(production.StartAsync(), backup.StartAsync());
        await production.RunAsync("volume", "create", "dilas", "--size", "16MiB");
        await production.RunAsync("copy", "add", "dilas", "--peer", backup.Address, "--mode", "stream");
        (await production.RunAsync("copy", "sync", "dilas")).ShouldContain("holds everything up to");

        // A volume in which nothing was written has nothing to send, and so "sync" does not wait for the line.
        await Eventually.TrueAsync("the copy is current", async () => (await production.RunAsync("copy", "status", "dilas")).Contains($"dilas -> {backup.Address}  stream  current", StringComparison.Ordinal), TimeSpan.FromSeconds(30));
        using var json = JsonDocument.Parse(await production.RunAsync("copy", "status", "dilas", "--json"));
        var copy = json.RootElement.GetProperty("copies")[0];
        copy.GetProperty("peer").GetString().ShouldBe(backup.Address);
        copy.GetProperty("lagBytes").GetInt64().ShouldBe(0);
        copy.GetProperty("workTotalBytes").GetInt64().ShouldBe(0);
        copy.GetProperty("gaps").GetArrayLength().ShouldBe(0);

        (await production.LinesAsync(3, "copy", "status", "dilas", "--watch", "--json")).ShouldAllBe(line => JsonDocument.Parse(line, default).RootElement.GetProperty("volume").GetString() == "dilas");
    }
}
