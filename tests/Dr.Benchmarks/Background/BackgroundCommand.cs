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
        var pairs = new Option<int>("--pairs") { Description = "How often each is measured with and without; the median of the ratios is shown, and between what it lies with 95 % (at least 6 pairs).", DefaultValueFactory = _ => 20 };
        var seconds = new Option<int>("--seconds") { Description = "Of each run.", DefaultValueFactory = _ => 1 };
        var patterns = new Option<string[]>("--pattern") { Description = "fio's pattern: randread, randwrite (default: both).", AllowMultipleArgumentsPerToken = true };
        var size = new Option<int>("--size") { Description = "Of the volume, in MiB.", DefaultValueFactory = _ => 512 };
        var directory = new Option<DirectoryInfo?>("--dir") { Description = "Where the volume is put; a directory on the disk to be measured (default: the temporary one)." };
        var command = new Command("background", $"Measures fio's operations a second with and without scrubbing, merging of old layers and dirty bitmaps being read, in turn; the goal is a ratio of {Goal}, and whether it is met is said only when the 95 % interval of the paired ratios lies on one side of it.") { work, patterns, pairs, seconds, size, directory };
        command.SetAction(async (parsed, cancellationToken) =>
        {
            try
            {
                Console.WriteLine("| work | fio | without, IOPS | with, IOPS | ratio (95 % interval) | CPU without, µs/request | CPU with, the work included | done meanwhile | |\n| --- | --- | --- | --- | --- | --- | --- | --- | --- |");
                foreach (var name in parsed.GetValue(work) is { Length: > 0 } wanted ? wanted : BackgroundWork.Names)
                {
                    foreach (var pattern in parsed.GetValue(patterns) is { Length: > 0 } some ? some : ["randread", "randwrite"])
                    {
                        await using var bench = await BackgroundBench.OpenAsync(parsed.GetValue(directory)?.FullName ?? Path.GetTempPath(), (long)parsed.GetValue(size) << 20, cancellationToken);
                        var line = await bench.RunAsync(name, pattern, parsed.GetValue(pairs), parsed.GetValue(seconds), cancellationToken);
                        Console.WriteLine(string.Create(
                            CultureInfo.InvariantCulture,
                            $"| {name} | 4k {pattern}, depth 16 | {line.Without:0} | {line.With:0} | {line.Ratios.Median:0.000} ({line.Ratios.Low:0.000} to {line.Ratios.High:0.000}) | {line.ProcessorWithout:0.0} | {line.ProcessorWith:0.0} | {line.Done} | {line.Ratios.Against(Goal)} |"));
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
