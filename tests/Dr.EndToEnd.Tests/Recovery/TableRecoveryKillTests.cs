using System.Diagnostics;
using System.Globalization;
using System.Text.Json;
using Dr.EndToEnd.Tests.Link;

namespace Dr.EndToEnd.Tests.Recovery;

/// <summary>
/// <c>kill -9</c> of the agent at any moment of a table recovery, with a real PostgreSQL: after its next start nothing of the recovery is mounted, attached or running, no clone is left, and the table in use is as it was or as it
/// should be, whichever the list says; a done one can be undone. <c>DR_RECOVERY_KILLS=N</c> runs it with N kills, some 45 seconds each; <c>DR_RECOVERY_SEED</c> chooses others.
/// </summary>
[Collection("whole machine")]
public sealed class TableRecoveryKillTests(ITestOutputHelper output) : IAsyncDisposable
{
    private const int Rows = 100_000;
    private const string Sum = "select coalesce(sum(hashtext(b::text)), 0) from big b";

    /// <summary>Kills come up to so many times the length of the first recovery after the start of one: in place takes longer than beside, and some are to be done by then.</summary>
    private const double Reach = 2.5;
    private static readonly TimeSpan CleanWithin = TimeSpan.FromMinutes(2);
    private static readonly int Kills = Read("DR_RECOVERY_KILLS", 0);
    private static readonly int Seed = Read("DR_RECOVERY_SEED", 1);
    private readonly string _folder = Directory.CreateTempSubdirectory("dr-table-kills-").FullName;
    private readonly int _port = FreePorts.Next();
    private EdgeProcess? _edge;

    private string Mount => Path.Combine(_folder, "mnt");

    private string Clones => Path.Combine(_folder, "clones");

    [Fact]
    public async Task Whenever_the_agent_is_killed_nothing_of_a_recovery_is_left_after_its_next_start()
    {
        Assert.SkipUnless(Kills > 0, "DR_RECOVERY_KILLS=N runs it with N kills, some 45 seconds each; needs root, FUSE, loop devices and PostgreSQL");
        await PrepareAsync();
        var good = await SqlAsync(Sum);
        await _edge!.RunAsync("point", "create", "dilas", "--label", "good");
        await SqlAsync("update big set note = 'lost' where id % 7 = 0; delete from big where id % 11 = 0; insert into big values (-1, 'new')");
        var damaged = await SqlAsync(Sum);
        var whole = Stopwatch.StartNew();
        await _edge.RunAsync("table", "recover", "dilas", "--at", "good", "--table", "big");
        whole.Stop();
        var random = new Random(Seed);
        var ends = new SortedDictionary<string, int>(StringComparer.Ordinal);
        for (var kill = 1; kill <= Kills; kill++)
        {
            var replace = random.Next(2) == 0;
            string[] arguments = ["table", "recover", "dilas", "--at", "good", "--table", "big", .. replace ? (string[])["--replace"] : []];
            using (var recovery = _edge.Start(arguments))
            {
                await Task.Delay(whole.Elapsed * random.NextDouble() * Reach);
                await _edge.KillAsync();
                await recovery.WaitForExitAsync();
            }

            await _edge.DisposeAsync();
            _edge = await StartAsync();

            // An agent that starts stops what an earlier one left running; whoever ordered the system orders it again.
            await _edge.RunAsync("system", "start", "dilas", "--epoch", "1");
            var last = default(JsonElement);
            await Eventually.TrueAsync(
                $"kill {kill}: what the recovery left to be cleaned up",
                async () =>
                {
                    var (status, text) = await _edge.TryAsync("table", "list", "dilas", "--json");
                    var recoveries = status == 0 ? [.. JsonDocument.Parse(text).RootElement.GetProperty("recoveries").EnumerateArray()] : Array.Empty<JsonElement>();
                    last = recoveries.LastOrDefault();
                    return recoveries.Length > 0 && recoveries.All(r => r.GetProperty("state").GetString() != "running" && !(r.TryGetProperty("cloneOpen", out var open) && open.GetBoolean()));
                },
                CleanWithin);
            (await LeftoversAsync()).ShouldBeEmpty($"kill {kill}");
            var state = last.GetProperty("state").GetString()!;
            var isReplaced = last.GetProperty("replaces").GetBoolean() && state == "done";
            (await SqlAsync(Sum)).ShouldBe(isReplaced ? good : damaged, $"kill {kill}: the last recovery is {state}");
            if (isReplaced)
            {
                await _edge.RunAsync("table", "undo", "dilas", last.GetProperty("id").GetString()!);
                (await SqlAsync(Sum)).ShouldBe(damaged, $"kill {kill}: undone");
            }

            ends[$"{(replace ? "in place" : "beside")} {state}"] = ends.GetValueOrDefault($"{(replace ? "in place" : "beside")} {state}") + 1;
        }

        // One for each that is done and not undone, beside the first.
        var beside = ends.GetValueOrDefault("beside done") + 1;
        long.Parse(await SqlAsync("select count(*) from pg_namespace where nspname like 'dr\\_%'"), CultureInfo.InvariantCulture).ShouldBeLessThanOrEqualTo(beside);
        output.WriteLine($"{Kills} kills, seed {Seed}, a whole recovery takes {whole.Elapsed.TotalSeconds:0.0} s; ended as {string.Join(", ", ends.Select(e => $"{e.Key} {e.Value}"))}");
    }

    public async ValueTask DisposeAsync()
    {
        if (_edge is not null)
        {
            await _edge.TryAsync("system", "stop", "dilas", "--epoch", "1");
            await _edge.DisposeAsync();
        }

        if (Kills > 0)
        {
            await Repository.RunAsync("/bin/sh", ["-c", $"awk -v d={_folder} 'index($5, d) == 1 {{ print $5 }}' /proc/self/mountinfo | sort -r | while read -r m; do umount -l \"$m\"; done"], TimeSpan.FromSeconds(20));
        }

        Directory.Delete(_folder, recursive: true);
    }

    private static int Read(string variable, int otherwise) => int.TryParse(Environment.GetEnvironmentVariable(variable), CultureInfo.InvariantCulture, out var value) ? value : otherwise;

    private Task<EdgeProcess> StartAsync() => EdgeProcess.StartAsync(_folder, "--config", Path.Combine(_folder, "edge.yaml"));

    private async Task PrepareAsync()
    {
        await Repository.RunAsync("chmod", ["755", _folder], TimeSpan.FromSeconds(5)); // The database's user passes through.
        await File.WriteAllTextAsync(Path.Combine(_folder, "edge.yaml"), $$$"""
            roles: [appliance, host]
            points: {every: off}
            systems:
              - id: dilas
                volume: dilas
                mount: {{{Mount}}}
                cloneMounts: {{{Clones}}}
                components:
                  - {name: postgresql, kind: postgresql, dataDirectory: {{{Mount}}}/pg, port: {{{_port}}}, authentication: trust, check: {sql: select 1, period: 300ms}}
            """);
        _edge = await StartAsync();
        await _edge.RunAsync("volume", "create", "dilas", "--size", "1GiB");
        await _edge.RunAsync("system", "prepare", "dilas");
        await SqlAsync($"create table big (id int primary key, note text); insert into big select i, repeat(md5(i::text), 3) from generate_series(1, {Rows}) i");
    }

    private async Task<string> SqlAsync(string statement)
    {
        var (status, text) = await Repository.RunAsync(
            "psql", ["-qAtX", "-h", "127.0.0.1", "-p", _port.ToString(CultureInfo.InvariantCulture), "-U", "postgres", "-c", statement, "postgres"], TimeSpan.FromSeconds(60));
        status.ShouldBe(0, $"{statement}: {text}");
        return text.Trim();
    }

    /// <summary>Mounts, loop devices, processes and clones of a recovery.</summary>
    private async Task<string> LeftoversAsync()
    {
        var mounts = (await File.ReadAllLinesAsync("/proc/self/mountinfo")).Select(l => l.Split(' ')[4])
            .Where(m => m.StartsWith(Clones, StringComparison.Ordinal) || (m.StartsWith(_folder, StringComparison.Ordinal) && m.Contains("recovery", StringComparison.Ordinal)));
        var loops = (await Repository.RunAsync("losetup", ["--list", "--noheadings", "--output", "BACK-FILE"], TimeSpan.FromSeconds(10))).Output.Split('\n').Where(l => l.StartsWith(_folder, StringComparison.Ordinal) && l.Contains("recovery", StringComparison.Ordinal));
        var programs = Process.GetProcesses().Select(CommandLine).Where(c => c.Contains(Clones, StringComparison.Ordinal) || c.Contains("dilas-recovery", StringComparison.Ordinal));
        var clones = JsonDocument.Parse(await _edge!.RunAsync("clone", "list", "--json")).RootElement.EnumerateArray().Select(c => c.GetRawText());
        return string.Join('\n', mounts.Concat(loops).Concat(programs).Concat(clones));
    }

    private static string CommandLine(Process process)
    {
        using (process)
        {
            try
            {
                return File.ReadAllText($"/proc/{process.Id}/cmdline").Replace('\0', ' ');
            }
            catch (Exception exception) when (exception is IOException or UnauthorizedAccessException)
            {
                return ""; // It has ended.
            }
        }
    }
}
