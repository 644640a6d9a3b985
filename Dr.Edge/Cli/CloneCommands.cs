using System.CommandLine;

namespace Dr.Edge.Cli;

/// <summary><c>dr-edge clone</c>.</summary>
internal static class CloneCommands
{
    public static Command Create() => new("clone", "Clones: writable volumes that begin as another one was.") { CreateOne(), List(), Delete() };

    private static Command CreateOne()
    {
        var volume = VolumeCommands.VolumeArgument();
        var at = TransferCommands.AtOption(required: true);
        var name = new Option<string>("--name") { Description = "The clone's name.", Required = true, HelpName = "CLONE" };
        return CommandShell.Remote("create", "Make a clone, writable at once.", [volume, at, name], async context =>
        {
            var request = new CreateCloneRequest(context.Get(volume), context.Get(at)!, context.Get(name)!);
            var clone = await context.Client.PostAsync<VolumeSummary>("clones", request, context.CancellationToken);
            VolumePrinter.Print(clone, context.Json, $"{clone.Name}: {clone.CloneOf} as it was at {clone.CloneAt:O}");
            return ProgramShell.Done;
        });
    }

    private static Command List() => CommandShell.Remote("list", "Every clone.", [], async context =>
    {
        VolumePrinter.PrintTable(await context.Client.GetAsync<List<VolumeSummary>>("clones", context.CancellationToken), context.Json);
        return ProgramShell.Done;
    });

    private static Command Delete()
    {
        var name = new Argument<string>("CLONE") { Description = "The clone's name." };
        return CommandShell.Remote("delete", "Delete a clone; what it was made of stays.", [name], async context =>
        {
            var deleted = await context.Client.DeleteAsync<Deleted>($"clones/{ControlPath.Segment(context.Get(name))}", context.CancellationToken);
            VolumePrinter.Print(deleted, context.Json, $"{deleted.Name} deleted");
            return ProgramShell.Done;
        });
    }
}
