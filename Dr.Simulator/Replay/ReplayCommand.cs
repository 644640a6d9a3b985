using System.CommandLine;
using Dr.Simulator.Reports;
using Spectre.Console;

namespace Dr.Simulator.Replay;

/// <summary><c>dr-sim replay</c>.</summary>
internal static class ReplayCommand
{
    public static Command Create()
    {
        var log = new Option<string?>("--log") { Description = "Fault log as CSV (default: the paper's table 1).", HelpName = "FILE" };
        var policies = new Option<string?>("--policies") { Description = "Policies as CSV (default: the paper's table 2).", HelpName = "FILE" };
        var seed = new Option<ulong>("--seed") { Description = "Decides the hours, durations and what the log leaves open; same seed, same bytes.", HelpName = "N", DefaultValueFactory = _ => 1 };
        var report = new Option<string?>("--report") { Description = "Write one self-contained HTML page there.", HelpName = "FILE.html" };
        var json = new Option<bool>("--json") { Description = "Print everything as JSON instead of tables." };
        var command = new Command("replay", "Run the year of faults twice, as it was and with the system, and show what each business system lost.") { log, policies, seed, report, json };
        command.SetAction(async (parsed, cancellationToken) =>
        {
            var year = FaultLog.Load(parsed.GetValue(log), parsed.GetValue(policies));
            var result = ReplayRun.Run(year, parsed.GetValue(seed), cancellationToken);
            if (parsed.GetValue(report) is { } file)
            {
                await WriteAsync(file, HtmlReport.Render(result), cancellationToken);
            }

            if (parsed.GetValue(json))
            {
                await Console.Out.WriteLineAsync(JsonReport.Render(result));
            }
            else
            {
                TerminalReport.Write(AnsiConsole.Console, result, parsed.GetValue(report));
            }

            // A rule of the design that broke in the replay is a fault of ours, whatever the figures say.
            return result.Violations.Count == 0 ? 0 : 1;
        });
        return command;
    }

    private static async Task WriteAsync(string file, string text, CancellationToken cancellationToken)
    {
        try
        {
            await File.WriteAllTextAsync(file, text, cancellationToken);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw new DrException($"{file}: the report cannot be written: {e.Message}", "Choose a path whose folder exists and can be written.", e);
        }
    }
}
