using System.CommandLine;
using Dr.Edge.Volumes.Scrubbing;
using Dr.Edge.Volumes.Space;

namespace Dr.Edge.Cli;

/// <summary>The store's commands: volume, point, clone, restore, verify, import, export.</summary>
internal static class VolumeCommands
{
    public static IEnumerable<Command> Create() => [Volume(), PointCommands.Create(), CloneCommands.Create(), SpaceCommands.Create(), ScrubCommands.Create(), .. TransferCommands.Create()];

    internal static string PathOf(string name) => $"volumes/{ControlPath.Segment(name)}";

    internal static Argument<string> VolumeArgument() => new("VOLUME") { Description = "Name of a volume or clone." };

    private static Command Volume() => new("volume", "Protected volumes.") { CreateOne(), List(), Show(), PolicyCommands.Set(), Resize(), Delete(), RebuildCommands.Create() };

    private static Command CreateOne()
    {
        var name = new Argument<string>("NAME") { Description = "1 to 64 letters, digits, hyphens, underscores and dots." };
        var size = SizeOption();
        var policy = new PolicyCommands();
        return CommandShell.Remote("create", "Make a volume, empty and writable.", [name, size, .. policy.Options], async context =>
        {
            var request = new CreateVolumeRequest(context.Get(name), Size(context.Get(size)!), policy.Read(context));
            var volume = await context.Client.PostAsync<VolumeSummary>("volumes", request, context.CancellationToken);
            VolumePrinter.Print(volume, context.Json, $"{volume.Name}: {Quantities.FormatSize(volume.SizeBytes)}, id {volume.Id}");
            return ProgramShell.Done;
        });
    }

    private static Command List() => CommandShell.Remote("list", "Every volume and clone.", [], async context =>
    {
        VolumePrinter.PrintTable(await context.Client.GetAsync<List<VolumeSummary>>("volumes", context.CancellationToken), context.Json);
        return ProgramShell.Done;
    });

    private static Command Show()
    {
        var name = VolumeArgument();
        return CommandShell.Remote("show", "Everything about one volume.", [name], async context =>
        {
            VolumePrinter.PrintDetails(await context.Client.GetAsync<VolumeSummary>(PathOf(context.Get(name)), context.CancellationToken), context.Json);
            return ProgramShell.Done;
        });
    }

    private static Command Resize()
    {
        var name = VolumeArgument();
        var size = SizeOption();
        return CommandShell.Remote("resize", "Make a volume larger; it may be in use.", [name, size], async context =>
        {
            var request = new ResizeVolumeRequest(Size(context.Get(size)!));
            var volume = await context.Client.PostAsync<VolumeSummary>($"{PathOf(context.Get(name))}/resize", request, context.CancellationToken);
            VolumePrinter.Print(volume, context.Json, $"{volume.Name}: {Quantities.FormatSize(volume.SizeBytes)}");
            return ProgramShell.Done;
        });
    }

    private static Command Delete()
    {
        var name = VolumeArgument();
        return CommandShell.Remote("delete", "Delete a volume and its whole history.", [name], async context =>
        {
            var deleted = await context.Client.DeleteAsync<Deleted>(PathOf(context.Get(name)), context.CancellationToken);
            VolumePrinter.Print(deleted, context.Json, $"{deleted.Name} deleted");
            return ProgramShell.Done;
        });
    }

    private static long Size(string text) => CommandShell.Parse(() => Quantities.ParseSize(text, "--size"));

    private static Option<string> SizeOption() => new("--size") { Description = "For example 512MiB, 10GiB, 1TiB; a multiple of 4 KiB.", Required = true, HelpName = "SIZE" };
}
