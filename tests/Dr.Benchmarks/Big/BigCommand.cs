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

    public static Command Create()
    {
        var size = new Option<int>("--size-gib") { Description = "Size of the volume.", DefaultValueFactory = _ => 1024 };
        var history = new Option<int>("--history-gib") { Description = "Data written in its history.", DefaultValueFactory = _ => 200 };
        var points = new Option<int>("--points") { Description = "Points, each with a layer of its own.", DefaultValueFactory = _ => 200 };
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
        await using var process = ChildProcess.Start(edge, ["run", "--data", data, "--control", control, "--nbd-socket", nbd]);
        while (await process.Output.ReadLineAsync(cancellationToken) is { } line && line != "ready")
        {
            // It says more than that.
        }

        Say("process start to ready", clock, process);
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
        for (var i = 0; i < PointSamples; i++)
        {
            await ChildProcess.RunAsync("qemu-io", ["-f", "raw", "-c", string.Create(CultureInfo.InvariantCulture, $"write {i * 977L}M 4k"), $"nbd+unix:///{Name}?socket={nbd}"], cancellationToken);
            clock.Restart();
            await client.PostAsync<PointInfo>($"volumes/{Name}/points", new CreatePointRequest(null), cancellationToken);
            times.Add(clock.Elapsed.TotalMilliseconds);
        }

        times.Sort();
        Console.WriteLine(string.Create(CultureInfo.InvariantCulture, $"{"point over the control socket",-32} p50 {times[PointSamples / 2]:F1} ms, p99 {times[^1]:F1} ms   {process.Memory()}"));
    }

    private static async Task CloneAsync(ControlClient client, ChildProcess process, string what, string at, string name, CancellationToken cancellationToken)
    {
        var clock = Stopwatch.StartNew();
        await client.PostAsync<VolumeSummary>("clones", new CreateCloneRequest(Name, at, name), cancellationToken);
        Say($"clone of {what}", clock, process);
        await client.DeleteAsync<Deleted>($"clones/{name}", cancellationToken);
    }

    private static async Task ViewAsync(string nbd, ChildProcess process, string what, string point, CancellationToken cancellationToken)
    {
        var clock = Stopwatch.StartNew();
        await ChildProcess.RunAsync("nbdinfo", ["--size", $"nbd+unix:///{Name}@{point}?socket={nbd}"], cancellationToken);
        Say($"view of {what}", clock, process);
    }

    private static void Say(string what, Stopwatch clock, ChildProcess? process = null) =>
        Console.WriteLine(string.Create(CultureInfo.InvariantCulture, $"{what,-32} {clock.Elapsed.TotalSeconds,7:F2} s   {process?.Memory()}"));
}
