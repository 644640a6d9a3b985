using System.CommandLine;
using System.Text;
using Dr.Contracts.Cli;
using Dr.Edge.Cli;

namespace Dr.Edge.Replication.Line.Bandwidth;

/// <summary><c>dr-edge bandwidth list | set | reset</c>.</summary>
internal static class BandwidthCommands
{
    public static Command Create()
    {
        var bandwidth = new Command("bandwidth", "Bandwidth classes: rates that copies keep to, together or each for itself.");
        bandwidth.Subcommands.Add(CommandShell.Remote("list", "The classes, who is in them and what they carry now.", [], async context =>
            Print(context, await context.Client.GetAsync<BandwidthList>("bandwidth", context.CancellationToken))));
        bandwidth.Subcommands.Add(Set());
        bandwidth.Subcommands.Add(Reset());
        return bandwidth;
    }

    /// <summary>Lines for people, as <c>copy status</c> has them.</summary>
    public static string Describe(BandwidthList list)
    {
        if (list.Classes.Count == 0)
        {
            return $"There are no bandwidth classes; 'dr-edge bandwidth set' makes one.{Environment.NewLine}";
        }

        var text = new StringBuilder();
        foreach (var one in list.Classes)
        {
            var rate = one.Mbps is { } mbps ? string.Create(CultureInfo.InvariantCulture, $"{mbps:0.###} Mbit/s") : "no limit";
            text.AppendLine(CultureInfo.InvariantCulture, $"{one.Name}  {rate}, {(one.Shared ? "shared by its copies" : "for each copy")} ({(one.Source == "command" ? "set by command" : "from the configuration")})");
            text.AppendLine(CultureInfo.InvariantCulture, $"  now              {one.BytesPerSecond * 8 / 1_000_000:0.00} Mbit/s, {one.Waiting} of {one.Copies.Count} copies waiting for it");
            foreach (var copy in one.Copies)
            {
                text.AppendLine(CultureInfo.InvariantCulture, $"  copy             {copy}{(one.First.Contains(copy) ? "  goes first" : "")}");
            }
        }

        return text.ToString();
    }

    private static Argument<string> Name() => new("NAME") { Description = "Name of the class." };

    private static string PathOf(string name) => $"bandwidth/{ControlPath.Segment(name)}";

    private static Command Set()
    {
        var name = Name();
        var rate = new Option<double?>("--rate")
        {
            Description = string.Create(CultureInfo.InvariantCulture, $"Megabits a second, at least {BandwidthClass.LeastMbps}; 0 = no limit."),
            HelpName = "MBITS",
        };
        var shared = new Option<bool>("--shared") { Description = "All copies of the class have the rate together (the default for a new class)." };
        var own = new Option<bool>("--own") { Description = "Each copy of the class has the rate for itself." };
        return CommandShell.Remote("set", "Make a class, or change one while copies use it; what is not named stays.", [name, rate, shared, own], async context =>
        {
            if (context.Get(shared) && context.Get(own))
            {
                throw new UsageException("A class is either --shared or --own.", "Give one of the two.");
            }

            if (context.Get(rate) is null && !context.Get(shared) && !context.Get(own))
            {
                throw new UsageException("Nothing to set was given.", "'dr-edge bandwidth set --help' shows what can be set.");
            }

            var request = new SetBandwidthRequest(context.Get(rate), context.Get(shared) ? true : context.Get(own) ? false : null);
            return Print(context, await context.Client.SendAsync<BandwidthList>(HttpMethod.Patch, PathOf(context.Get(name)), request, context.CancellationToken));
        });
    }

    private static Command Reset()
    {
        var name = Name();
        return CommandShell.Remote("reset", "Take back what 'bandwidth set' did: the class is what the configuration says, or gone when it says nothing.", [name], async context =>
            Print(context, await context.Client.DeleteAsync<BandwidthList>(PathOf(context.Get(name)), context.CancellationToken)));
    }

    private static int Print(CommandContext context, BandwidthList list)
    {
        if (context.Json)
        {
            CommandShell.PrintJson(list);
        }
        else
        {
            Console.Out.Write(Describe(list));
        }

        return ProgramShell.Done;
    }
}
