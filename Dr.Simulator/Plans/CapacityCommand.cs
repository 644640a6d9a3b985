using System.CommandLine;
using Dr.Contracts.Cli;
using Dr.Contracts.Errors;
using Dr.Contracts.Policy;
using Dr.Simulator.Reports;
using Spectre.Console;

namespace Dr.Simulator.Plans;

/// <summary><c>dr-sim capacity</c>.</summary>
internal static class CapacityCommand
{
    public static Command Create()
    {
        var options = new PlanOptions();
        var years = new Option<int>("--years") { Description = $"Years to plan for, at most {CapacityPlan.HorizonYears}.", HelpName = "N", DefaultValueFactory = _ => 5 };
        var growth = new Option<double>("--growth") { Description = "Per cent by which data and daily change grow each year.", HelpName = "PERCENT", DefaultValueFactory = _ => 20 };
        var data = new Option<string[]>("--data") { Description = "Today's data of a line of the policies.", HelpName = "LINE=SIZE" };
        var busy = new Option<double>("--busy") { Description = "A class is short when its busiest hour takes more per cent of it than this.", HelpName = "PERCENT", DefaultValueFactory = _ => 70 };
        var command = new Command("capacity", "Say what lines and disks the policies need over the years, and when they no longer fit.") { options.Policies, years, growth, data, busy, options.Json, options.Csv };
        command.SetAction((parsed, _) =>
        {
            if (parsed.GetValue(years) is var span && span is < 1 or > CapacityPlan.HorizonYears)
            {
                throw new UsageException($"--years {span}: it is a number from 1 to {CapacityPlan.HorizonYears}.", "Five is what the paper plans for.");
            }

            if (parsed.GetValue(growth) is var percent && percent is < -50 or > 500 || parsed.GetValue(busy) is <= 0 or > 100)
            {
                throw new UsageException("--growth lies between -50 and 500 per cent a year, --busy between 0 and 100.", "For example --growth 20 --busy 70.");
            }

            var policies = options.Read(parsed);
            var plan = CapacityPlan.Make(policies, new CapacityInputs { Years = span, GrowthPercent = percent, BusyPercent = parsed.GetValue(busy), DataTerabytes = Sizes(parsed.GetValue(data) ?? [], policies) });
            options.Print(parsed, plan, () => PlanCsv.Render(plan), () => PlanTables.Write(AnsiConsole.Console, plan));
            return Task.FromResult(ProgramShell.Done);
        });
        return command;
    }

    private static Dictionary<string, double> Sizes(IReadOnlyList<string> texts, IReadOnlyList<BackupPolicy> policies)
    {
        var sizes = new Dictionary<string, double>(StringComparer.Ordinal);
        foreach (var text in texts)
        {
            var at = text.IndexOf('=', StringComparison.Ordinal);
            var name = at < 1 ? text : text[..at];
            if (at < 1 || policies.All(p => p.Name != name))
            {
                throw new UsageException($"--data: '{text}' names no line of the policies.", $"Write LINE=SIZE, for example --data {policies[0].Name}=200GB; there are {string.Join(", ", policies.Select(p => p.Name))}.");
            }

            try
            {
                sizes[name] = Quantities.ParseSize(text[(at + 1)..], "--data") / 1e12;
            }
            catch (DrException e)
            {
                throw new UsageException(e.Message, e.Hint);
            }
        }

        return sizes;
    }
}
