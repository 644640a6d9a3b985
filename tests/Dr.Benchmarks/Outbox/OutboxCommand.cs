using System.CommandLine;
using System.Globalization;

namespace Dr.Benchmarks.Outbox;

/// <summary><c>dr-bench outbox</c>: how long a kiosk's transaction waits until it is on the disk.</summary>
internal static class OutboxCommand
{
    /// <summary>Most for the 99th percentile of an insert, ms.</summary>
    public const double GoalMilliseconds = 20;

    public static Command Create()
    {
        var seconds = new Option<int>("--seconds") { Description = "Of each line of the table, 1 to 600.", DefaultValueFactory = _ => 15 };
        var writers = new Option<int>("--writers") { Description = "Transactions at once in the crowded lines, 1 to 1000.", DefaultValueFactory = _ => 8 };
        var backlog = new Option<int>("--backlog") { Description = "Transactions that wait in the outbox before the lines with a backlog, as after a long outage.", DefaultValueFactory = _ => 10_000 };
        var directory = new Option<DirectoryInfo?>("--dir") { Description = "Where the buffer is put; a directory on the disk to be measured (default: the temporary one)." };
        var command = new Command("outbox", $"Measures how long inserts of transactions take until they are on the disk: by one person and by many at once, with an empty outbox, with a backlog, and while the link delivers; beside each in turn, what an append of 4 KiB to a plain file with fsync takes. Goal: p99 of at most {GoalMilliseconds} ms.")
        {
            seconds, writers, backlog, directory,
        };
        command.SetAction(async (parsed, cancellationToken) =>
        {
            try
            {
                await using var bench = await OutboxBench.OpenAsync(parsed.GetValue(directory)?.FullName ?? Path.GetTempPath(), cancellationToken);
                var time = TimeSpan.FromSeconds(Math.Clamp(parsed.GetValue(seconds), 1, 600));
                var many = Math.Clamp(parsed.GetValue(writers), 1, 1000);
                Console.WriteLine("| at once | outbox | inserts a second | p50, ms | p99, ms | longest, ms | plain file p50, ms | p99, ms | |\n| --- | --- | --- | --- | --- | --- | --- | --- | --- |");
                foreach (var (atOnce, before, isDelivered) in new[] { (1, 0, false), (many, 0, false), (1, parsed.GetValue(backlog), false), (many, parsed.GetValue(backlog), false), (many, parsed.GetValue(backlog), true) })
                {
                    await bench.FillAsync(before, cancellationToken);
                    var line = await bench.RunAsync(atOnce, isDelivered, time, cancellationToken);
                    var what = before == 0 ? "empty at first" : isDelivered ? $"{before} waiting at first, being delivered" : $"{before} waiting at first";
                    Console.WriteLine(string.Create(
                        CultureInfo.InvariantCulture,
                        $"| {atOnce} | {what} | {line.Rate:0} | {line.Inserts.P50:0.00} | {line.Inserts.P99:0.00} | {line.Inserts.Longest:0.0} | {line.Plain.P50:0.00} | {line.Plain.P99:0.00} | {(line.Inserts.P99 <= GoalMilliseconds ? "met" : "missed")} |"));
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
