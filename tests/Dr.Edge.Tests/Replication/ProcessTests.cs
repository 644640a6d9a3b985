namespace Dr.Edge.Tests.Replication;

/// <summary>Two real processes, killed with signal 9, and the commands that people type.</summary>
public class ProcessTests
{
    private const int Size = 16 << 20;

    [Theory]
    [InlineData("stream")]
    [InlineData("delta")]
    public async Task Production_dies_backup_takes_over_and_production_comes_home(string mode)
    {
        var random = new Random(11);
        await using var production = new EdgeProcess();
        await using var backup = new EdgeProcess();
        await production.StartAsync();
        await backup.StartAsync();
        var first = Content(random);
        await production.RunAsync("volume", "create", "dilas", "--size", "16MiB");
        await production.ImportAsync("dilas", first);
        await production.RunAsync("copy", "add", "dilas", "--peer", backup.Address, "--mode", mode);
        await production.RunAsync("copy", "sync", "dilas");
        Same(await backup.ExportAsync("dilas"), first);

        // What is written while the line is down is the tail that must not be lost, nor win.
        await backup.KillAsync();
        var tail = Content(random);
        await production.ImportAsync("dilas", tail);
        await production.KillAsync();
        await backup.StartAsync();
        await backup.RunAsync("promote", "dilas", "--epoch", "2");
        var second = Content(random);
        await backup.ImportAsync("dilas", second);

        await production.StartAsync();
        await backup.RunAsync("copy", "add", "dilas", "--peer", production.Address, "--mode", mode);
        await backup.RunAsync("copy", "sync", "dilas");
        Same(await production.ExportAsync("dilas"), second);
        var clones = System.Text.Json.JsonDocument.Parse(await production.RunAsync("clone", "list", "--json"));
        Same(await production.ExportAsync(clones.RootElement[0].GetProperty("name").GetString()!), tail);

        await backup.RunAsync("demote", "dilas", "--epoch", "3");
        await production.RunAsync("promote", "dilas", "--epoch", "3");
        Same(await production.ExportAsync("dilas"), second);
        var third = Content(random);
        await production.ImportAsync("dilas", third);
        await production.RunAsync("copy", "sync", "dilas");
        Same(await backup.ExportAsync("dilas"), third);
    }

    [Fact]
    public async Task Either_side_killed_at_random_while_copying_ends_up_the_same()
    {
        var random = new Random(12);
        await using var production = new EdgeProcess();
        await using var backup = new EdgeProcess();
        await production.StartAsync();
        await backup.StartAsync();
        await production.RunAsync("volume", "create", "dilas", "--size", "16MiB");
        await production.RunAsync("copy", "add", "dilas", "--peer", backup.Address, "--mode", "stream");
        var content = new byte[Size];
        for (var round = 0; round < 4; round++)
        {
            content = Content(random);
            var writing = production.ImportAsync("dilas", content);
            await Task.Delay(random.Next(400));
            await backup.KillAsync();
            await backup.StartAsync();
            await writing;
            await production.KillAsync();
            await production.StartAsync();
        }

        await production.RunAsync("copy", "sync", "dilas");
        Same(await production.ExportAsync("dilas"), content);
        Same(await backup.ExportAsync("dilas"), content);
    }

    private static byte[] Content(Random random)
    {
        var content = new byte[Size];
        random.NextBytes(content.AsSpan(0, 6 << 20));
        return content;
    }

    private static void Same(byte[] actual, byte[] expected)
    {
        actual.Length.ShouldBe(expected.Length);
        actual.AsSpan().CommonPrefixLength(expected).ShouldBe(expected.Length, "the content differs from this byte on");
    }
}
