using Dr.Crash.Child.Copying;

namespace Dr.Edge.Tests.Replication.Failback;

/// <summary>
/// Two processes under load, killed with signal 9 (one or both at once), frozen, with full disks, and cut off from each other at random (in frames, in answers, in the first words of a connection), in every mode, with takeovers in between. <c>DR_COPY_ROUNDS</c> is how many faults (default 8), <c>DR_COPY_SEED</c> which ones.
/// </summary>
public sealed class CutsAndKillsTests(ITestOutputHelper output)
{
    private static readonly string[] Modes = ["Stream", "Sync", "Delta"];
    private readonly LoadOracle _oracle = new();
    private readonly SortedDictionary<string, int> _counts = [];

    [Fact]
    public async Task Nothing_differs_after_any_number_of_cuts_kills_and_takeovers()
    {
        var rounds = int.Parse(Environment.GetEnvironmentVariable("DR_COPY_ROUNDS") ?? "8", null);
        var seed = int.Parse(Environment.GetEnvironmentVariable("DR_COPY_SEED") ?? "1", null);
        var random = new Random(seed);
        await using var production = new ProcessSite("production");
        await using var backup = new ProcessSite("backup");
        await using var toBackup = new CutLine(backup.Address);
        await using var toProduction = new CutLine(production.Address);
        var (from, to) = (new Place(production, toProduction), new Place(backup, toBackup));
        var (line, epoch) = (1, 1);
        _oracle.Begin(line, default);
        await to.Site.MustAsync("show");
        await from.Site.MustAsync("create");
        await from.Site.MustAsync($"add {to.Line.Address} Stream");
        await from.Site.MustAsync($"load {line}");
        for (var round = 1; round <= rounds; round++)
        {
            if (random.Next(3) == 0)
            {
                await from.Site.RunAsync($"add {to.Line.Address} {Modes[random.Next(3)]}");
            }

            if (random.Next(3) == 0)
            {
                await from.Site.RunAsync($"point r{round}");
            }

            await Task.Delay(random.Next(20, 300)); // The instant of the fault is what is random.
            switch (random.Next(19))
            {
                case 12:
                    Count("both killed at once");
                    await Task.WhenAll(from.Site.KillAsync(), to.Site.KillAsync());
                    Held(await from.Site.MustAsync("show"), from.Site.Answered, "the primary after both were killed");
                    await from.Site.MustAsync($"load {line}");
                    break;
                case 13:
                    Count("line cut, and again in the first words of the next connection");
                    await FaultAsync(to.Line, from.Site, round, random.Next(1, 20_000), CutLine.Fault.Cut, ofAnswers: false);
                    await FaultAsync(to.Line, from.Site, round, random.Next(1, 400), CutLine.Fault.Cut, ofAnswers: random.Next(2) == 0);
                    break;
                case 14:
                    var wrong = (CutLine.Fault)random.Next(3);
                    Count($"answers: {wrong}");
                    await FaultAsync(to.Line, from.Site, round, random.Next(1, 2_000), wrong, ofAnswers: true);
                    break;
                case 15:
                    Count("line cut and the copy killed");
                    to.Line.FailAfter(random.Next(1, 20_000), CutLine.Fault.Cut);
                    await to.Site.KillAsync();
                    break;
                case 16 or 17:
                    var disk = random.Next(2) == 0 ? to.Site : from.Site;
                    Count(disk == to.Site ? "the copy's disk full" : "the primary's disk full");
                    await disk.MustAsync("disk full");
                    await Task.Delay(random.Next(20, 400)); // So long it is.
                    if (random.Next(3) == 0)
                    {
                        Count("killed on a full disk");
                        await disk.KillAsync();
                    }

                    await disk.MustAsync("disk free");
                    if ((await disk.MustAsync("stopped")).Contains("disk is full", StringComparison.Ordinal))
                    {
                        // This disk also refuses to overwrite what a file has already; between the two halves of a point that stops a volume until its next start.
                        Count("stopped by a full disk");
                        await disk.KillAsync();
                    }

                    await from.Site.MustAsync("stop"); // A load ends when it gets an error.
                    await from.Site.MustAsync($"load {line}");
                    break;
                case 18:
                    var frozen = random.Next(2) == 0 ? to.Site : from.Site;
                    Count(frozen == to.Site ? "copy frozen" : "primary frozen");
                    frozen.Freeze();
                    await Task.Delay(random.Next(20, 600)); // Shorter than a peer takes to be called dead; longer ones are in FreezeTests.
                    frozen.Thaw();
                    break;
                case < 3:
                    Count("primary killed");
                    await from.Site.KillAsync();
                    Held(await from.Site.MustAsync("show"), from.Site.Answered, "the primary after a kill");
                    await from.Site.MustAsync($"load {line}");
                    break;
                case < 6:
                    Count("copy killed");
                    await to.Site.KillAsync();
                    break;
                case < 9:
                    var kind = (CutLine.Fault)random.Next(3);
                    Count($"line: {kind}");
                    await FaultAsync(to.Line, from.Site, round, random.Next(1, 100_000), kind, ofAnswers: false);
                    break;
                case < 10:
                    Count("planned move");
                    await from.Site.MustAsync("stop");
                    await from.Site.UntilAsync("sync 20", a => a == "ok", "the copy to be current");
                    var point = await from.Site.UntilAsync($"demote {++epoch}", a => !a.StartsWith("error", StringComparison.Ordinal), "the demotion");
                    await to.Site.UntilAsync($"has {point}", a => a == "yes", "the final point");
                    (from, to, line) = await TakeOverAsync(from, to, epoch, line, mustHave: from.Site.Answered);
                    break;
                default:
                    Count("takeover");
                    if (await to.Site.RunAsync("show") is "none" or "")
                    {
                        continue;
                    }

                    var whole = (await from.Site.RunAsync("show")).Contains("Sync:Whole", StringComparison.Ordinal);
                    await from.Site.KillAsync();
                    (from, to, line) = await TakeOverAsync(from, to, ++epoch, line, mustHave: whole ? from.Site.Answered : null);
                    break;
            }

            if (round % 8 == 0 || round == rounds)
            {
                await CompareAsync(from.Site, to.Site, round);
                await from.Site.MustAsync($"load {line}");
            }
        }

        output.WriteLine($"seed {seed}, {rounds} faults: {string.Join(", ", _counts.Select(c => $"{c.Value} × {c.Key}"))}; 0 differences");
    }

    private static async Task FaultAsync(CutLine line, ProcessSite from, int round, int bytes, CutLine.Fault kind, bool ofAnswers)
    {
        var faults = line.Faults;
        line.FailAfter(bytes, kind, ofAnswers);
        var watch = System.Diagnostics.Stopwatch.StartNew();
        for (var point = 0; line.Faults == faults; point++)
        {
            // In delta mode nothing goes without one.
            await from.RunAsync($"point f{round}-{point}-{(ofAnswers ? 'a' : 's')}");
            watch.Elapsed.TotalSeconds.ShouldBeLessThan(60, $"still waiting for the fault on the line: {await from.RunAsync("show")}");
            await Task.Delay(50);
        }
    }

    private async Task<(Place From, Place To, int Line)> TakeOverAsync(Place from, Place to, int epoch, int line, LoadPosition? mustHave)
    {
        var at = Position(await to.Site.UntilAsync($"promote {epoch}", a => a.StartsWith($"Primary {epoch} ", StringComparison.Ordinal), "the new primary"));
        if (mustHave is { } position)
        {
            Held($"x x {at.Seed} {at.Number}", position, "the copy that took over");
        }

        _oracle.Begin(line + 1, at);
        await to.Site.MustAsync($"add {from.Line.Address} {Modes[epoch % 3]}");
        await to.Site.MustAsync($"load {line + 1}");
        return (to, from, line + 1);
    }

    private async Task CompareAsync(ProcessSite from, ProcessSite to, int round)
    {
        await from.MustAsync("stop");
        await from.UntilAsync("sync 30", a => a == "ok", $"the copy to have everything (round {round})", seconds: 120);
        var here = _oracle.Check(await from.ContentAsync("v"), $"round {round}, primary");
        _oracle.Check(await to.ContentAsync("v"), $"round {round}, copy").ShouldBe(here);
        var digests = (await from.MustAsync("digests")).Split(' ', StringSplitOptions.RemoveEmptyEntries).ToDictionary(d => d.Split('=')[0], d => d.Split('=')[1]);
        foreach (var theirs in (await to.MustAsync("digests")).Split(' ', StringSplitOptions.RemoveEmptyEntries))
        {
            if (digests.TryGetValue(theirs.Split('=')[0], out var digest))
            {
                theirs.ShouldEndWith(digest, Case.Sensitive, $"round {round}");
            }
        }

        foreach (var site in new[] { from, to })
        {
            (await site.MustAsync("damaged")).ShouldBe("0");
            foreach (var tail in (await site.MustAsync("clones")).Split(' ', StringSplitOptions.RemoveEmptyEntries))
            {
                Count("tails kept");
                _oracle.Check(await site.ContentAsync(tail), $"round {round}, {tail} at {site.Name}");
                await site.MustAsync($"delete {tail}");
            }
        }
    }

    private void Count(string what) => _counts[what] = _counts.GetValueOrDefault(what) + 1;

    private static LoadPosition Position(string show)
    {
        var words = show.Split(' ');
        return new LoadPosition(int.Parse(words[2], null), int.Parse(words[3], null));
    }

    private static void Held(string show, LoadPosition answered, string who)
    {
        var at = Position(show);
        var flushed = answered.Number / CopyLoad.FlushedEvery * CopyLoad.FlushedEvery;
        (at.Seed != answered.Seed || at.Number >= flushed).ShouldBeTrue($"{who} is at {at} and write {answered} was answered, {flushed} of them flushed");
    }

    private sealed record Place(ProcessSite Site, CutLine Line);
}
