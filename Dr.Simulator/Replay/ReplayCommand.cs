using System.CommandLine;
using Dr.Contracts.Cli;
using Dr.Simulator.Reports;
using Dr.Simulator.Reports.Html;
using Spectre.Console;

namespace Dr.Simulator.Replay;

/// <summary><c>dr-sim replay</c>.</summary>
internal static class ReplayCommand
{
    /// <summary>Years per way of doing it otherwise when nothing else is said: medians do not move much beyond.</summary>
    private const int ComparedSeeds = 20;

    public static Command Create()
    {
        var log = new Option<string?>("--log") { Description = "Fault log as CSV (default: the paper's table 1).", HelpName = "FILE" };
        var policies = new Option<string?>("--policies") { Description = "Policies as CSV (default: the paper's table 2).", HelpName = "FILE" };
        var seed = new Option<ulong>("--seed") { Description = "Decides the hours, durations and what the log leaves open; same seed, same bytes.", HelpName = "N", DefaultValueFactory = _ => 1 };
        var seeds = new Option<int>("--seeds") { Description = "Run this many seeds, from --seed on, and show medians and 95th percentiles.", HelpName = "N", DefaultValueFactory = _ => 1 };
        var compare = new Option<bool>("--compare") { Description = $"Run the year again with fixed heartbeat periods, without witnesses, and with points instead of a stream (over --seeds, or {ComparedSeeds})." };
        var explain = new Option<string?>("--explain") { Description = "Tell one fault second by second, as it was and with the system.", HelpName = "SYSTEM[/DATE[/NUMBER]]" };
        var report = new Option<string?>("--report") { Description = "Write one self-contained HTML page there.", HelpName = "FILE.html" };
        var language = new Option<string>("--lang") { Description = "Language of the page: en or zh.", HelpName = "en|zh", DefaultValueFactory = _ => "en" }.AcceptOnlyFromAmong([.. Texts.Languages]);
        var json = new Option<bool>("--json") { Description = "Print everything as JSON instead of tables." };
        var csv = new Option<bool>("--csv") { Description = "Print a line per system as CSV instead of tables." };
        var command = new Command("replay", "Run the year of faults twice, as it was and with the system, and show what each business system lost, which promises hold, and what no second site could have helped.")
        {
            log, policies, seed, seeds, compare, explain, report, language, json, csv,
        };
        command.SetAction(async (parsed, cancellationToken) =>
        {
            var count = parsed.GetValue(seeds);
            if (count is < 1 or > SeedSweep.MaxSeeds)
            {
                throw new UsageException($"--seeds {count}: it is a number from 1 to {SeedSweep.MaxSeeds}.", "A thousand takes about a minute.");
            }

            if (parsed.GetValue(json) && parsed.GetValue(csv))
            {
                throw new UsageException("--json and --csv cannot both be printed.", "Give one of them.");
            }

            var year = FaultLog.Load(parsed.GetValue(log), parsed.GetValue(policies));
            if (parsed.GetValue(explain) is { } target)
            {
                return Explain(year, ExplainTarget.Parse(target), parsed.GetValue(seed), parsed.GetValue(json), cancellationToken);
            }

            int? compared = parsed.GetValue(compare) ? (count > 1 ? count : ComparedSeeds) : null;
            // On another thread: before the action returns for the first time, nobody listens for Ctrl-C.
            var study = await Task.Run(() => YearProgress.Run(ReplayStudy.Years(count, compared), done => ReplayStudy.Run(year, parsed.GetValue(seed), count, compared, done, cancellationToken)), cancellationToken);
            if (parsed.GetValue(report) is { } file)
            {
                await ReportFile.WriteAsync(file, HtmlReport.Render(study, Texts.Of(parsed.GetValue(language)!)), cancellationToken);
            }

            if (parsed.GetValue(json))
            {
                await Console.Out.WriteLineAsync(JsonReport.Render(study));
            }
            else if (parsed.GetValue(csv))
            {
                await Console.Out.WriteAsync(CsvReport.Render(study));
            }
            else
            {
                TerminalReport.Write(AnsiConsole.Console, study, parsed.GetValue(report));
            }

            // A rule of the design that broke in the replay is a fault of ours, whatever the figures say.
            return study.Violations == 0 ? ProgramShell.Done : ProgramShell.Failed;
        });
        return command;
    }

    private static int Explain(FaultYear year, ExplainTarget target, ulong seed, bool json, CancellationToken cancellationToken)
    {
        var result = ReplayRun.Run(year, seed, cancellationToken);
        var incidents = target.Of(result);
        if (json)
        {
            Console.Out.WriteLine(JsonReport.Render(incidents));
        }
        else
        {
            ExplainReport.Write(AnsiConsole.Console, result, incidents);
        }

        return result.Violations.Count == 0 ? ProgramShell.Done : ProgramShell.Failed;
    }
}
