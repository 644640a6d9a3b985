using System.CommandLine;
using System.Text.Json;
using Dr.Silo.Decisions.Detection;
using Spectre.Console;

namespace Dr.Simulator.Detection;

/// <summary><c>dr-sim detector</c>: how soon each class of devices is suspected, and how often wrongly, by Monte Carlo and by formula.</summary>
internal static class DetectorCommand
{
    public static Command Create()
    {
        var seed = new Option<ulong>("--seed") { Description = "Same seed, same figures.", HelpName = "N", DefaultValueFactory = _ => 1 };
        var loss = new Option<double>("--loss") { Description = "Per cent of the beats that are lost.", HelpName = "PERCENT", DefaultValueFactory = _ => 1 };
        var delay = new Option<double>("--delay") { Description = "Mean delay, milliseconds.", HelpName = "MS", DefaultValueFactory = _ => 150 };
        var deviation = new Option<double>("--deviation") { Description = "Its standard deviation, milliseconds.", HelpName = "MS", DefaultValueFactory = _ => 100 };
        var beats = new Option<int>("--beats") { Description = "Beats followed per class and hours.", HelpName = "N", DefaultValueFactory = _ => 100_000 };
        var kills = new Option<int>("--kills") { Description = "Stops per class and hours.", HelpName = "N", DefaultValueFactory = _ => 2_000 };
        var json = new Option<bool>("--json") { Description = "Print JSON instead of a table." };
        var command = new Command("detector", "Measure the detector's classes on a bad line: time to suspicion, false alarms, and what the formulas say.") { seed, loss, delay, deviation, beats, kills, json };
        command.SetAction(async (parsed, _) =>
        {
            var link = new LinkQuality(parsed.GetValue(loss) / 100, parsed.GetValue(delay), parsed.GetValue(deviation));
            if (link is not { Loss: >= 0 and < 1, DeviationMs: > 0 } || link.MeanDelayMs < link.DeviationMs || parsed.GetValue(beats) < 100 || parsed.GetValue(kills) < 1)
            {
                throw new Contracts.Cli.UsageException("This is no line: loss lies between 0 and 100 per cent, the deviation is above 0 and not above the mean, beats are at least 100 and kills at least 1.", "See --help.");
            }

            var rows = DetectorReport.Run(link, parsed.GetValue(seed), parsed.GetValue(beats), parsed.GetValue(kills));
            if (parsed.GetValue(json))
            {
                await Console.Out.WriteLineAsync(JsonSerializer.Serialize(rows, JsonSerializerOptions.Web));
            }
            else
            {
                AnsiConsole.Write(DetectorReport.Table(rows));
            }

            return 0;
        });
        return command;
    }
}
