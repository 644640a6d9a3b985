using System.CommandLine;
using System.Globalization;

namespace Dr.Benchmarks.Background;

/// <summary><c>dr-bench background</c>: what work in the background costs clients, with and without it in turn.</summary>
internal static class BackgroundCommand
{
    /// <summary>Clients keep at least this share of their operations.</summary>
    public const double Goal = 0.95;

    public static Command Create()
    {
        var work = new Option<string[]>("--work") { Description = $"What to measure: {string.Join(", ", BackgroundWork.Names)} (default: all).", AllowMultipleArgumentsPerToken = true };
        var pairs = new Option<int>("--pairs") { Description = "How often each is measured with and without; the median of the ratios is shown.", DefaultValueFactory = _ => 5 };
        var seconds = new Option<int>("--seconds") { Description = "Of each run.", DefaultValueFactory = _ => 3 };
        var size = new Option<int>("--size") { Description = "Of the volume, in MiB.", DefaultValueFactory = _ => 512 };
        var directory = new Option<DirectoryInfo?>("--dir") { Description = "Where the volume is put; a directory on the disk to be measured (default: the temporary one)." };
        var command = new Command("background", $"Measures fio's operations a second with and without scrubbing, merging of old layers and dirty bitmaps being read, in turn; the goal is a ratio of {Goal}.") { work, pairs, seconds, size, directory };
        command.SetAction(async (parsed, cancellationToken) =>
        {
            try
            {
                Console.WriteLine("| work | fio | without, IOPS | with, IOPS | ratio (lowest to highest) | done meanwhile | |\n| --- | --- | --- | --- | --- | --- | --- |");
                foreach (var name in parsed.GetValue(work) is { Length: > 0 } wanted ? wanted : BackgroundWork.Names)
                {
                    foreach (var pattern in (string[])["randread", "randwrite"])
                    {
                        await using var bench = await BackgroundBench.OpenAsync(parsed.GetValue(directory)?.FullName ?? Path.GetTempPath(), (long)parsed.GetValue(size) << 20, cancellationToken);
                        var line = await bench.RunAsync(name, pattern, parsed.GetValue(pairs), parsed.GetValue(seconds), cancellationToken);
                        Console.WriteLine(string.Create(
                            CultureInfo.InvariantCulture,
                            $"| {name} | 4k {pattern}, depth 16 | {line.Without:0} | {line.With:0} | {line.Ratio:0.000} ({line.Lowest:0.000} to {line.Highest:0.000}) | {line.Done} | {(line.Ratio >= Goal ? "met" : "missed")} |"));
                    }
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
}
