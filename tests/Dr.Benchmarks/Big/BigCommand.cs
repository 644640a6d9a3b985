using System.CommandLine;
using System.Diagnostics;
using System.Globalization;
using Dr.Contracts.Ids;
using Dr.Contracts.Mqtt;
using Dr.Edge.Cli;

namespace Dr.Benchmarks.Big;

/// <summary><c>dr-bench big</c>: a volume of a TiB with a long history in a real process, and what it costs to open it, take points, make clones and open views.</summary>
internal static class BigCommand
{
    private const string Name = "big";
    private const int PointSamples = 40;
    private const double StartSeconds = 10;
    private const double CloneSeconds = 2;
    private const double PointSeconds = 0.010;

    public static Command Create()
    {
        var size = new Option<int>("--size-gib") { Description = "Size of the volume.", DefaultValueFactory = _ => 1024 };
        var history = new Option<int>("--history-gib") { Description = "Data written in its history.", DefaultValueFactory = _ => 200 };
        var points = new Option<int>("--points") { Description = "Points, each with a layer of its own.", DefaultValueFactory = _ => 255 };
        var run = new Option<int>("--run-blocks") { Description = "Neighbouring blocks written together; 1 = 4 KiB at random.", DefaultValueFactory = _ => 1 };
        var moved = new Option<int>("--base-gib") { Description = "Data that is in the base already.", DefaultValueFactory = _ => 10 };
        var directory = new Option<DirectoryInfo?>("--dir") { Description = "Where the volume is put (some 2.5 GiB of real space; default: the temporary directory)." };
        var kept = new Option<DirectoryInfo?>("--data") { Description = "A data directory to use: laid down when it is not there, and kept." };
        var edge = new Option<string>("--edge") { Description = "The dr-edge to measure; build it in Release.", DefaultValueFactory = _ => BenchCommand.DefaultEdge() };
        var command = new Command("big", "Lays down a big volume of sparse data and measures memory, open, points, clones and views of it.") { size, history, points, run, moved, directory, kept, edge };
        command.SetAction(async (parsed, cancellationToken) =>
        {
            var plan = new BigPlan((long)parsed.GetValue(size) << 30, (long)parsed.GetValue(history) << 30, parsed.GetValue(points), parsed.GetValue(run), (long)parsed.GetValue(moved) << 30, 1);
            var keep = parsed.GetValue(kept)?.FullName;
            var data = keep ?? Path.Combine(parsed.GetValue(directory)?.FullName ?? Path.GetTempPath(), $"dr-big-{Environment.ProcessId}");
            try
            {
                if (!Directory.Exists(data))
                {
                    var clock = Stopwatch.StartNew();
                    new BigVolume(data, Name, plan).Write(_ => cancellationToken.ThrowIfCancellationRequested());
                    Say("laid down", clock);
                }

                await MeasureAsync(data, parsed.GetValue(edge)!, cancellationToken);
                return 0;
            }
            finally
            {
                if (keep is null)
                {
                    Directory.Delete(data, recursive: true);
                }
            }
        });
        return command;
    }

    private static async Task MeasureAsync(string data, string edge, CancellationToken cancellationToken)
    {
        var control = Path.Combine(data, "c.sock");
        var nbd = Path.Combine(data, "n.sock");
        var clock = Stopwatch.StartNew();
        await using var process = ChildProcess.Start(edge, ["run", "--data", data, "--control", control, "--nbd-socket", nbd, "--points", "off"]);
        while (await process.Output.ReadLineAsync(cancellationToken) is { } line && line != "ready")
        {
            // It says more than that.
        }

        Say("process start to ready", clock.Elapsed.TotalSeconds, StartSeconds, process);
        using var client = new ControlClient(control);
        var points = await client.GetAsync<List<PointInfo>>($"volumes/{Name}/points", cancellationToken);
        await CloneAsync(client, process, "newest point", points[^1].Id.Value, "c1", cancellationToken);
        await CloneAsync(client, process, "the point before it", points[^2].Id.Value, "c2", cancellationToken);
        await ViewAsync(nbd, process, "newest point", points[^1].Id.Value, cancellationToken);
        await ViewAsync(nbd, process, "oldest point", points[0].Id.Value, cancellationToken);
        await ViewAsync(nbd, process, "middle point", points[points.Count / 2].Id.Value, cancellationToken);
        await PointsAsync(client, nbd, process, cancellationToken);
        await CloneAsync(client, process, "now, after writes", "-0s", "c3", cancellationToken);
        await CloneAsync(client, process, "oldest point", points[0].Id.Value, "c4", cancellationToken);
        await CloneAsync(client, process, "middle point", points[points.Count / 2].Id.Value, "c5", cancellationToken);
    }

    private static async Task PointsAsync(ControlClient client, string nbd, ChildProcess process, CancellationToken cancellationToken)
    {
        var times = new List<double>();
        var clock = new Stopwatch();
        var points = await client.GetAsync<List<PointInfo>>($"volumes/{Name}/points", cancellationToken);
        var victim = points[^3].Id.Value;
        for (var i = 0; i < PointSamples; i++)
        {
            // Always as many as there were: one goes before the next is taken.
            await client.DeleteAsync<Deleted>($"volumes/{Name}/points/{victim}", cancellationToken);
            await ChildProcess.RunAsync("qemu-io", ["-f", "raw", "-c", string.Create(CultureInfo.InvariantCulture, $"write {i * 977L}M 4k"), $"nbd+unix:///{Name}?socket={nbd}"], cancellationToken);
            clock.Restart();
            var point = await client.PostAsync<PointInfo>($"volumes/{Name}/points", new CreatePointRequest(null), cancellationToken);
            victim = point.Id.Value;
            times.Add(clock.Elapsed.TotalMilliseconds);
        }

        var slowest = times.Select((time, index) => (time, index)).OrderByDescending(sample => sample.time).Take(3);
        Console.WriteLine(string.Create(CultureInfo.InvariantCulture, $"| slowest points, and which of them they were | {string.Join(", ", slowest.Select(sample => string.Create(CultureInfo.InvariantCulture, $"{sample.time:F1} ms (number {sample.index + 1})")))} |"));
        times.Sort();
        Say($"point p50 (of {PointSamples}, control socket)", times[PointSamples / 2] / 1000, PointSeconds, process);
        Say("point p99 (slowest of them)", times[^1] / 1000, PointSeconds, process);
    }

    private static async Task CloneAsync(ControlClient client, ChildProcess process, string what, string at, string name, CancellationToken cancellationToken)
    {
        var clock = Stopwatch.StartNew();
        await client.PostAsync<VolumeSummary>("clones", new CreateCloneRequest(Name, at, name), cancellationToken);
        Say($"clone of {what}", clock.Elapsed.TotalSeconds, CloneSeconds, process);
        await client.DeleteAsync<Deleted>($"clones/{name}", cancellationToken);
    }

    private static async Task ViewAsync(string nbd, ChildProcess process, string what, string point, CancellationToken cancellationToken)
    {
        var clock = Stopwatch.StartNew();
        await ChildProcess.RunAsync("nbdinfo", ["--size", $"nbd+unix:///{Name}@{point}?socket={nbd}"], cancellationToken);
        Say($"view of {what}", clock.Elapsed.TotalSeconds, CloneSeconds, process);
        clock.Restart();
        await ChildProcess.RunAsync("qemu-io", ["-r", "-f", "raw", "-c", "read 5G 4k", $"nbd+unix:///{Name}@{point}?socket={nbd}"], cancellationToken);
        Say($"first read of view of {what}", clock.Elapsed.TotalSeconds, CloneSeconds, process);
    }

    private static void Say(string what, Stopwatch clock) => Console.WriteLine(string.Create(CultureInfo.InvariantCulture, $"| {what} | {clock.Elapsed.TotalSeconds:F3} s |"));

    private static void Say(string what, double seconds, double goal, ChildProcess process) =>
        Console.WriteLine(string.Create(CultureInfo.InvariantCulture, $"| {what} | {seconds:F3} s | ≤ {goal} s | {(seconds <= goal ? "met" : "missed")} | {process.Memory()} |"));
}
