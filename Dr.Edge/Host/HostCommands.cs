using System.CommandLine;
using Dr.Edge.Cli;
using Spectre.Console;

namespace Dr.Edge.Host;

/// <summary><c>dr-edge system list | check | start | stop | prepare</c>.</summary>
internal static class HostCommands
{
    public static IEnumerable<Command> Create()
    {
        var system = new Command("system", "Business systems that this machine runs.");
        system.Subcommands.Add(CommandShell.Remote("list", "Show the systems and their health.", [], ListAsync));
        system.Subcommands.Add(Operation("check", "Run every check once, now; exit status 1 unless all pass.", withEpoch: false));
        system.Subcommands.Add(Operation("start", "Attach and mount the volume, start the components in order, check them.", withEpoch: true));
        system.Subcommands.Add(Operation("stop", "Stop the components, unmount, detach; done when proven.", withEpoch: true));
        system.Subcommands.Add(Operation("prepare", "Make file system and database on an empty volume, then start and bring the network actions here.", withEpoch: true));
        return [system];
    }

    private static Command Operation(string name, string description, bool withEpoch)
    {
        var id = new Argument<string>("ID") { Description = "The system's id in the configuration." };
        var epoch = new Option<long?>("--epoch") { Description = "Ownership under which it is done (default: the highest seen here).", HelpName = "N" };
        return CommandShell.Remote(name, description, withEpoch ? [id, epoch] : [id], async context =>
        {
            var query = withEpoch && context.Get(epoch) is { } given ? $"?epoch={given.ToString(CultureInfo.InvariantCulture)}" : "";
            var report = await context.Client.StreamAsync<HostReport>(
                HttpMethod.Post, $"systems/{ControlPath.Segment(context.Get(id))}/{name}{query}", null, p => Progress(context, p), context.CancellationToken);
            if (context.Json)
            {
                CommandShell.PrintJson(report);
            }
            else
            {
                Print(report.Health);
            }

            return name == "check" && report.Health.State != HealthState.Running ? ProgramShell.Failed : ProgramShell.Done;
        });
    }

    private static async Task<int> ListAsync(CommandContext context)
    {
        var systems = await context.Client.GetAsync<List<SystemListing>>("systems", context.CancellationToken);
        if (context.Json)
        {
            CommandShell.PrintJson(systems);
            return ProgramShell.Done;
        }

        var table = new Table().AddColumns("system", "state", "epoch", "volume", "mount", "components");
        foreach (var system in systems)
        {
            table.AddRow(
                Markup.Escape(system.Id), $"{system.Health.State}", $"{system.Epoch}", Markup.Escape(system.Volume ?? ""), Markup.Escape(system.Mount ?? ""),
                Markup.Escape(string.Join(", ", system.Health.Components.Select(c => $"{c.Name} {c.State}"))));
        }

        AnsiConsole.Write(table);
        return ProgramShell.Done;
    }

    /// <summary>Standard output belongs to the result.</summary>
    private static void Progress(CommandContext context, ControlProgress progress)
    {
        if (!context.Json && progress.Step is { } step && !step.EndsWith('…'))
        {
            Console.Error.WriteLine(step);
        }
    }

    private static void Print(SystemHealth health)
    {
        Console.Out.WriteLine($"{health.System} {health.State} epoch {health.EpochSeen}");
        foreach (var component in health.Components)
        {
            Console.Out.WriteLine($"  {component.Name} {component.State}{(component.Detail is null ? "" : $": {component.Detail}")}");
        }
    }
}
