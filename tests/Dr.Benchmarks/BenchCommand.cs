using System.CommandLine;
using System.Globalization;
using Spectre.Console;

namespace Dr.Benchmarks;

/// <summary><c>dr-bench</c>: our server and its peers on the same disk, in alternating rounds.</summary>
internal static class BenchCommand
{
    public static RootCommand Create()
    {
        var rounds = new Option<int>("--rounds") { Description = "Rounds; the medians are shown.", DefaultValueFactory = _ => 3 };
        var size = new Option<int>("--size") { Description = "Size of the volume in MiB.", DefaultValueFactory = _ => 1024 };
        var patterns = new Option<string[]>("--pattern") { Description = "Only patterns whose name contains this; may be repeated." };
        var peers = new Option<string[]>("--peer") { Description = "Only servers whose name contains this; may be repeated." };
        var directory = new Option<DirectoryInfo?>("--dir") { Description = "Where the volumes are put; a directory on the disk to be measured (default: the temporary one)." };
        var edge = new Option<string>("--edge") { Description = "The dr-edge to measure; build it in Release.", DefaultValueFactory = _ => DefaultEdge() };
        var json = new Option<FileInfo?>("--json") { Description = "Write every measurement and the medians here." };
        var markdown = new Option<FileInfo?>("--markdown") { Description = "Write the table here." };
        var command = new RootCommand("Measures dr-edge side by side with nbdkit's file plugin and qemu-nbd (raw), and with our session over a plain file: fixed-size fio runs, each with an fsync inside its time.")
        {
            rounds, size, patterns, peers, directory, edge, json, markdown, ServeRawCommand.Create(),
        };
        command.SetAction(async (parsed, cancellationToken) =>
        {
            var plan = new BenchPlan(
                Math.Max(1, parsed.GetValue(rounds)),
                (long)Math.Max(16, parsed.GetValue(size)) << 20,
                [.. Pattern.All.Where(pattern => Matches(pattern.Name, parsed.GetValue(patterns)))],
                [.. AllPeers(parsed.GetValue(edge)!).Where(peer => Matches(peer.Name, parsed.GetValue(peers)))],
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
            $"{DateTime.UtcNow:yyyy-MM-dd HH:mm} UTC, {Environment.ProcessorCount} processors, {Environment.OSVersion.VersionString}, volume {plan.SizeBytes >> 20} MiB, medians of {plan.Rounds} alternating rounds.");
        var summaries = Summary.Of(measurements, EdgePeer.PeerName);
        Report.Show(AnsiConsole.Console, summaries);
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

    private static Peer[] AllPeers(string edge) => [new EdgePeer(edge), new NbdkitPeer(), new QemuNbdPeer(), new SessionPeer()];

    private static bool Matches(string name, string[]? parts) =>
        parts is null or [] || parts.Any(part => name.Contains(part, StringComparison.OrdinalIgnoreCase));

    /// <summary>Beside us in the repository's layout: tests/Dr.Benchmarks/bin/…/ and Dr.Edge/bin/Release/….</summary>
    private static string DefaultEdge() =>
        Path.GetFullPath(Path.Combine(AppContext.BaseDirectory, "..", "..", "..", "..", "..", "Dr.Edge", "bin", "Release", "net10.0", "dr-edge"));
}
