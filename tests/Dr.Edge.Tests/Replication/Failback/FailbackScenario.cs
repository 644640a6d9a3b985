using Dr.Crash.Child.Copying;

namespace Dr.Edge.Tests.Replication.Failback;

/// <summary>
/// P → B → P → B: an unplanned takeover with a tail left behind, the way home, and planned moves with and without anything written, content compared at every stop.
/// Every order can be given again, so either side may die, and the line be cut, at any place.
/// </summary>
internal sealed class FailbackScenario(ICopySite production, string productionLine, ICopySite backup, string backupLine, string mode)
{
    private readonly LoadOracle _oracle = new();

    public async Task RunAsync()
    {
        _oracle.Begin(1, default);
        await backup.MustAsync("show");
        await production.MustAsync("create");
        await production.MustAsync("write 1 12");
        await production.MustAsync("point one");
        await production.MustAsync("write 1 20");
        await production.MustAsync($"add {backupLine} {mode}");
        await SyncAsync(production);
        await production.MustAsync("write 1 28");
        await production.MustAsync("point two");
        await SyncAsync(production);
        await CompareAsync(1, 28);

        // Production is cut off, goes on writing for a moment, and backup takes over.
        await production.MustAsync($"remove {backupLine}");
        await production.MustAsync("write 1 36");
        _oracle.Begin(2, new LoadPosition(1, 28));
        await backup.UntilAsync("promote 2", a => a.StartsWith("Primary 2 ", StringComparison.Ordinal), "backup to be primary");
        await backup.MustAsync("write 2 9");
        await backup.MustAsync("point at-backup");
        await backup.MustAsync("write 2 11");
        await backup.MustAsync($"add {productionLine} {mode}");
        await SyncAsync(backup);
        await CompareAsync(2, 11);
        var tails = (await production.MustAsync("clones")).Split(' ', StringSplitOptions.RemoveEmptyEntries);
        tails.Length.ShouldBe(1, string.Join(' ', tails));
        _oracle.Check(await production.ContentAsync(tails[0]), "the tail").ShouldBe(new LoadPosition(1, 36));

        // Home, written; there and home again with nothing written.
        _oracle.Begin(3, new LoadPosition(2, 11));
        await MoveAsync(backup, production, 3);
        await production.MustAsync("write 3 10");
        await production.MustAsync($"add {backupLine} {mode}");
        await SyncAsync(production);
        await CompareAsync(3, 10);
        await MoveAsync(production, backup, 4);
        await SyncAsync(backup);
        await CompareAsync(3, 10);
        await MoveAsync(backup, production, 5);
        await SyncAsync(production);
        await CompareAsync(3, 10);

        (await production.MustAsync("clones")).ShouldBe(tails[0], "a planned move leaves no tail");
        (await backup.MustAsync("clones")).ShouldBe("", "backup never diverged");
        (await production.MustAsync("damaged")).ShouldBe("0");
        (await backup.MustAsync("damaged")).ShouldBe("0");
    }

    private static async Task SyncAsync(ICopySite site) => await site.UntilAsync("sync 20", a => a == "ok", "the copy to have everything");

    private static async Task MoveAsync(ICopySite from, ICopySite to, int epoch)
    {
        var point = await from.UntilAsync($"demote {epoch}", a => !a.StartsWith("error", StringComparison.Ordinal), "the demotion");
        await to.UntilAsync($"has {point}", a => a == "yes", "the final point", state: async () => $"{from.Name} {await from.RunAsync("show")}; {to.Name} {await to.RunAsync("show")}");
        var digest = (await from.MustAsync("digests")).Split(' ').Single(d => d.StartsWith(point, StringComparison.Ordinal));
        (await to.MustAsync("digests")).Split(' ').ShouldContain(digest);
        await to.UntilAsync($"promote {epoch}", a => a.StartsWith($"Primary {epoch} ", StringComparison.Ordinal), "the new primary");
    }

    private async Task CompareAsync(int seed, int number)
    {
        foreach (var site in new[] { production, backup })
        {
            _oracle.Check(await site.ContentAsync("v"), site.Name).ShouldBe(new LoadPosition(seed, number), site.Name);
        }

        var ours = (await production.MustAsync("digests")).Split(' ').ToDictionary(d => d.Split('=')[0], d => d.Split('=')[1]);
        foreach (var theirs in (await backup.MustAsync("digests")).Split(' ', StringSplitOptions.RemoveEmptyEntries))
        {
            if (ours.TryGetValue(theirs.Split('=')[0], out var digest))
            {
                theirs.ShouldEndWith(digest);
            }
        }
    }
}
