using System.CommandLine;
using Dr.Edge.Cli;
using Dr.Edge.Host.Recovery;
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
        system.Subcommands.Add(Network());
        system.Subcommands.Add(RefreshCommand.Create());
        return [system, TableCommands.Create()];
    }

    private static Command Network()
    {
        var network = new Command("network", "Lead clients here or away, by the system's network actions; each is read back.");
        network.Subcommands.Add(Operation("network/here", "Bring them here.", withEpoch: true, shown: "here"));
        network.Subcommands.Add(Operation("network/away", "Take them away.", withEpoch: true, shown: "away"));
        return network;
    }

    private static Command Operation(string name, string description, bool withEpoch, string? shown = null)
    {
        var id = new Argument<string>("ID") { Description = "The system's id in the configuration." };
        var on = new Option<string?>("--on") { Description = "Work on this clone of the system's volume instead, or on the volume again by its name (default: as before). What is written on a clone is not copied to the other site.", HelpName = "CLONE" };
        var epoch = new Option<long?>("--epoch") { Description = "Ownership under which it is done (default: the highest seen here).", HelpName = "N" };
        return CommandShell.Remote(shown ?? name, description, name == "start" ? [id, epoch, on] : withEpoch ? [id, epoch] : [id], async context =>
        {
            List<string> parts = [];
            if (withEpoch && context.Get(epoch) is { } given)
            {
                parts.Add($"epoch={given.ToString(CultureInfo.InvariantCulture)}");
            }

            if (name == "start" && context.Get(on) is { } clone)
            {
                parts.Add($"on={Uri.EscapeDataString(clone)}");
            }

            var query = parts.Count > 0 ? $"?{string.Join('&', parts)}" : "";
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
