using System.CommandLine;
using System.Globalization;
using System.Text;
using System.Text.Json;
using Dr.Benchmarks.Replication.Cost;
using Dr.Benchmarks.Replication.Peers;

namespace Dr.Benchmarks.Replication;

/// <summary><c>dr-bench replication</c>.</summary>
internal static class ReplicationCommand
{
    private const string PeersPart = "peers";
    private const string OutagePart = "outage";
    private const string PackingPart = "packing";
    private static readonly JsonSerializerOptions Indented = new(JsonSerializerDefaults.Web) { WriteIndented = true };

    public static Command Create()
    {
        var seconds = new Option<int>("--seconds") { Description = "How long each figure that is a rate is measured.", DefaultValueFactory = _ => 10 };
        var seed = new Option<int>("--seed") { Description = "Of places and content.", DefaultValueFactory = _ => 1 };
        var directory = new Option<DirectoryInfo?>("--dir") { Description = "Where the volumes are put; a directory on the disk to be measured (default: the temporary one)." };
        var far = new Option<DirectoryInfo?>("--far-dir") { Description = "Where the copies are put (default: as --dir). Both ends share this machine's disk; a directory in memory takes the other end's disk out of the figures." };
        var farProcessor = new Option<int?>("--far-cpu") { Description = "Where the clients' cost is measured: the far end is a dr-edge of its own on this processor alone, and clients and primary keep to the others, with and without a copy. Without it both ends share all processors, which two appliances never do." };
        var only = new Option<string[]>("--only") { Description = $"Parts to measure: {string.Join(", ", ReplicationBench.Parts)} (default: these), {OutagePart} (a day without the line; takes as long as the line needs for what changed), {PackingPart} (of two images that {PeersPart} has left behind), {PeersPart} (needs root and what 'deploy/prerequisites.sh bench' installs).", AllowMultipleArgumentsPerToken = true };
        var scale = new Option<int>("--scale") { Description = "Of pgbench's tables beside the peers: about 15 MB each.", DefaultValueFactory = _ => DatabaseRunner.Scale };
        var pgbenchSeconds = new Option<int>("--pgbench-seconds") { Description = "How long pgbench writes between the two points that are compared with the peers.", DefaultValueFactory = _ => 60 };
        var images = new Option<DirectoryInfo?>("--images") { Description = $"Where '{PeersPart}' leaves the images of its two points and '{PackingPart}' finds them." };
        var edge = new Option<string>("--edge") { Description = "The dr-edge to measure beside the peers; build it in Release.", DefaultValueFactory = _ => BenchCommand.DefaultEdge() };
        var rounds = new Option<int>("--rounds") { Description = "How often the clients' cost is measured in each mode, on new volumes; the median of all slices counts.", DefaultValueFactory = _ => 3 };
        var writers = new Option<int>("--writers") { Description = "Clients that write at the same time where their cost is measured.", DefaultValueFactory = _ => 8 };
        var modes = new Option<string[]>("--mode") { Description = $"What the clients' cost is measured with, beside no copy: {string.Join(", ", ClientCost.Modes)} (default: all).", AllowMultipleArgumentsPerToken = true };
        var outage = new Option<long>("--outage-megabytes") { Description = "Written in the day without the line; 2000 is a whole day's and takes the better part of an hour at 5 Mbit/s.", DefaultValueFactory = _ => 40 };
        var outageRate = new Option<double>("--outage-mbits") { Description = "What the line carries when it is back, in Mbit/s.", DefaultValueFactory = _ => 5 };
        var json = new Option<FileInfo?>("--json") { Description = "Write the figures here." };
        var markdown = new Option<FileInfo?>("--markdown") { Description = "Write the table here." };
        var command = new Command("replication", "Measures copies of a volume over loopback: bytes on the wire, speed of a delta, lag of a stream, and what each mode costs the volume's clients.") { seconds, seed, directory, far, farProcessor, only, rounds, writers, modes, scale, pgbenchSeconds, images, edge, outage, outageRate, json, markdown };
        command.SetAction(async (parsed, cancellationToken) =>
        {
            try
            {
                var near = parsed.GetValue(directory)?.FullName ?? Path.GetTempPath();
                using var bench = new ReplicationBench(
                    near, parsed.GetValue(far)?.FullName ?? near, TimeSpan.FromSeconds(Math.Max(1, parsed.GetValue(seconds))), Math.Max(1, parsed.GetValue(rounds)), Math.Max(1, parsed.GetValue(writers)),
                    parsed.GetValue(modes) is { Length: > 0 } some ? some : ClientCost.Modes, parsed.GetValue(seed),
                    parsed.GetValue(farProcessor) is { } processor ? (parsed.GetValue(edge)!, processor) : null);
                string[] wanted = parsed.GetValue(only) is { Length: > 0 } parts ? parts : ReplicationBench.Parts;
                void Say(string name) => Console.Error.WriteLine($"measuring: {name}");
                var figures = (await bench.RunAsync(wanted, Say, cancellationToken)).ToList();
                if (wanted.Contains(OutagePart))
                {
                    figures.AddRange(await new OutageBench(near, parsed.GetValue(far)?.FullName ?? near, parsed.GetValue(outage) * 1_000_000, parsed.GetValue(outageRate), parsed.GetValue(seed)).RunAsync(Say, cancellationToken));
                }

                if (wanted.Contains(PackingPart))
                {
                    var kept = parsed.GetValue(images)?.FullName ?? throw new BenchException($"Say with --images where '{PeersPart}' left its images.");
                    PackingCost.Measure(Path.Combine(kept, PackingCost.Before), Path.Combine(kept, PackingCost.After), Say);
                }

                if (wanted.Contains(PeersPart))
                {
                    figures.AddRange(await new PeerBench(near, parsed.GetValue(edge)!, parsed.GetValue(scale), TimeSpan.FromSeconds(parsed.GetValue(pgbenchSeconds)), parsed.GetValue(images)?.FullName).RunAsync(Say, cancellationToken));
                }

                var table = Markdown(figures);
                Console.Write(table);
                if (parsed.GetValue(markdown) is { } file)
                {
                    await File.WriteAllTextAsync(file.FullName, table, cancellationToken);
                }

                if (parsed.GetValue(json) is { } data)
                {
                    await File.WriteAllTextAsync(data.FullName, JsonSerializer.Serialize(figures, Indented), cancellationToken);
                }

                return 0;
            }
            catch (Exception exception) when (exception is BenchException or OperationCanceledException)
            {
                await Console.Error.WriteLineAsync(exception is BenchException ? exception.Message : "Stopped; nothing was left behind.");
                return 1;
            }
        });
        return command;
    }

    private static string Markdown(IReadOnlyList<CopyFigure> figures)
    {
        var text = new StringBuilder("| what | measured | goal | |\n| --- | --- | --- | --- |\n");
        foreach (var figure in figures)
        {
            var judged = figure.Goal is { } goal ? string.Create(CultureInfo.InvariantCulture, $"{(figure.AtLeast ? "≥" : "≤")} {goal:0.##} {figure.Unit} | {(figure.IsMet ? "met" : "missed")}") : "- |";
            text.AppendLine(CultureInfo.InvariantCulture, $"| {figure.What} | {figure.Value:0.###} {figure.Unit} | {judged} |");
        }

        return text.ToString();
    }
}
