using System.CommandLine;
using System.Globalization;
using Spectre.Console;

namespace Dr.Benchmarks;

/// <summary><c>dr-bench</c>: our server and its peers on the same disk, in alternating rounds.</summary>
internal static class BenchCommand
{
    public static RootCommand Create()
    {
        var quick = new Option<bool>("--quick") { Description = "One round on 256 MiB without the servers that have no goal: three to four minutes on two quiet processors, and only a hint." };
        var rounds = new Option<int?>("--rounds") { Description = "Rounds; the medians are shown (default 3)." };
        var size = new Option<int?>("--size") { Description = "What is measured of each volume, in MiB (default 512)." };
        var overwrite = new Option<int?>("--overwrite") { Description = "Random overwrites before the patterns that ask for them, in MiB (default twice the size; 10240 is what the goal is set for and takes minutes more a server)." };
        var seconds = new Option<int?>("--pgbench-seconds") { Description = "Time of each pgbench run (default 10)." };
        var cold = new Option<bool>("--cold") { Description = "No warming up: the first seconds after each server's start are measured." };
        var patterns = new Option<string[]>("--pattern") { Description = "Only patterns whose name contains this; may be repeated." };
        var peers = new Option<string[]>("--peer") { Description = "Only servers whose name contains this; may be repeated. 'session-only' (and with --quick the bitmap) runs only when it is named." };
        var directory = new Option<DirectoryInfo?>("--dir") { Description = "Where the volumes are put; a directory on the disk to be measured (default: the temporary one)." };
        var edge = new Option<string>("--edge") { Description = "The dr-edge to measure; build it in Release.", DefaultValueFactory = _ => DefaultEdge() };
        var json = new Option<FileInfo?>("--json") { Description = "Write every measurement and the medians here." };
        var markdown = new Option<FileInfo?>("--markdown") { Description = "Write the table here." };
        var command = new RootCommand(
            "Measures dr-edge side by side with nbdkit's file plugin and qemu-nbd (raw, and qcow2 with a dirty bitmap): fixed-size fio runs, each with an fsync inside its time, and pgbench on a file "
            + "system on the export (needs root); then ours with 255 points and with a point every second. All of it "
            + "takes about 25 minutes on two quiet processors; --pattern and --peer cut it into slices (--pattern qd1 --rounds 1: two minutes). A ratio counts only within one run.")
        {
            quick, rounds, size, overwrite, seconds, cold, patterns, peers, directory, edge, json, markdown, ServeRawCommand.Create(), Big.BigCommand.Create(), Replication.ReplicationCommand.Create(), Background.BackgroundCommand.Create(), Outbox.OutboxCommand.Create(),
        };
        command.SetAction(async (parsed, cancellationToken) =>
        {
            var isQuick = parsed.GetValue(quick);
            var sizeBytes = (long)Math.Max(16, parsed.GetValue(size) ?? (isQuick ? 256 : 512)) << 20;
            var program = parsed.GetValue(edge)!;
            var wanted = parsed.GetValue(peers);
            var pointsPeers = PointsPeer.All(program).Where(peer => Matches(peer.Name, wanted)).ToArray();
            var plan = new BenchPlan(
                Math.Max(1, parsed.GetValue(rounds) ?? (isQuick ? 1 : 3)),
                sizeBytes,
                parsed.GetValue(overwrite) is { } overwritten ? (long)overwritten << 20 : 2 * sizeBytes,
                TimeSpan.FromSeconds(Math.Max(1, parsed.GetValue(seconds) ?? (isQuick ? 5 : 10))),
                parsed.GetValue(cold),
                [.. Pattern.All.Concat(Pattern.Points).Where(pattern => Matches(pattern.Name, parsed.GetValue(patterns)) && (!pattern.IsOfPoints || pointsPeers.Length > 0) && (!pattern.IsDatabase || Environment.IsPrivilegedProcess))],
                [.. AllPeers(program).Where(peer => peer is SessionPeer || (isQuick && peer is QemuBitmapPeer) ? wanted is { Length: > 0 } && Matches(peer.Name, wanted) : Matches(peer.Name, wanted))],
                pointsPeers,
                parsed.GetValue(directory)?.FullName ?? Path.GetTempPath());
            try
            {
                return await RunAsync(plan, parsed.GetValue(json), parsed.GetValue(markdown), cancellationToken);
            }
            catch (BenchException exception)
            {
                await Console.Error.WriteLineAsync(exception.Message);
                return 1;
            }
            catch (OperationCanceledException)
            {
                await Console.Error.WriteLineAsync("Stopped; nothing was left behind.");
                return 1;
            }
        });
        return command;
    }

    private static async Task<int> RunAsync(BenchPlan plan, FileInfo? json, FileInfo? markdown, CancellationToken cancellationToken)
    {
        var measurements = new List<Measurement>();
        await AnsiConsole.Progress().StartAsync(async context =>
        {
            var task = context.AddTask("measuring", maxValue: plan.RunCount);
            await foreach (var measurement in plan.RunAsync(next => task.Description = next, cancellationToken))
            {
                measurements.Add(measurement);
                task.Increment(1);
            }
        });

        var conditions = string.Create(
            CultureInfo.InvariantCulture,
            $"{DateTime.UtcNow:yyyy-MM-dd HH:mm} UTC, {Environment.ProcessorCount} processors, {Environment.OSVersion.VersionString}, {plan.SizeBytes >> 20} MiB of each volume, {plan.OverwriteBytes >> 20} MiB of overwrites, {(plan.IsCold ? "cold" : "warm")} servers, medians of {plan.Rounds} alternating round(s). The ratio is ours to the server's; in the lines of points it is the server's to ours with one point.");
        var summaries = Summary.Of(measurements, plan.Patterns);
        Report.Show(AnsiConsole.Console, summaries);
        if (Report.FromDisk(measurements, plan.Patterns) is { } fromDisk)
        {
            Console.WriteLine(fromDisk);
            conditions = $"{conditions} {fromDisk}";
        }

        if (json is not null)
        {
            await File.WriteAllTextAsync(json.FullName, Report.Json(summaries, measurements, conditions), cancellationToken);
        }

        if (markdown is not null)
        {
            await File.WriteAllTextAsync(markdown.FullName, Report.Markdown(summaries, conditions), cancellationToken);
        }

        return 0;
    }

    private static Peer[] AllPeers(string edge) => [new EdgePeer(edge), new NbdkitPeer(), new QemuNbdPeer(), new QemuBitmapPeer(), new SessionPeer()];

    private static bool Matches(string name, string[]? parts) =>
        parts is null or [] || parts.Any(part => name.Contains(part, StringComparison.OrdinalIgnoreCase));

    /// <summary>Beside us in the repository's layout: tests/Dr.Benchmarks/bin/…/ and Dr.Edge/bin/Release/….</summary>
    internal static string DefaultEdge() =>
        Path.GetFullPath(Path.Combine(AppContext.BaseDirectory, "..", "..", "..", "..", "..", "Dr.Edge", "bin", "Release", "net10.0", "dr-edge"));
}
