using System.CommandLine;
using Dr.Edge.Volumes.Space;

namespace Dr.Edge.Cli;

/// <summary><c>dr-edge point</c>.</summary>
internal static class PointCommands
{
    public static Command Create() => new("point", "Points: moments of a volume that stay.") { CreateOne(), List(), Delete() };

    private static Command CreateOne()
    {
        var volume = VolumeCommands.VolumeArgument();
        var label = new Option<string?>("--label") { Description = "A name for people.", HelpName = "TEXT" };
        return CommandShell.Remote("create", "Take a point now; prints its id.", [volume, label], async context =>
        {
            var point = await context.Client.PostAsync<PointInfo>($"{VolumeCommands.PathOf(context.Get(volume))}/points", new CreatePointRequest(context.Get(label)), context.CancellationToken);
            VolumePrinter.Print(point, context.Json, point.Id.Value);
            return ProgramShell.Done;
        });
    }

    private static Command List()
    {
        var volume = VolumeCommands.VolumeArgument();
        return CommandShell.Remote("list", "The points of a volume, oldest first.", [volume], async context =>
        {
            var points = await context.Client.GetAsync<List<PointInfo>>($"{VolumeCommands.PathOf(context.Get(volume))}/points", context.CancellationToken);
            var space = await context.Client.GetAsync<VolumeSpaceReport>($"{VolumeCommands.PathOf(context.Get(volume))}/space", context.CancellationToken);
            PointPrinter.PrintTable(points, space.Points ?? [], context.Json);
            return ProgramShell.Done;
        });
    }

    private static Command Delete()
    {
        var volume = VolumeCommands.VolumeArgument();
        var point = new Argument<string>("POINT") { Description = "The point's id or label." };
        return CommandShell.Remote("delete", "Delete a point; what only it needed gives way in the background.", [volume, point], async context =>
        {
            var path = $"{VolumeCommands.PathOf(context.Get(volume))}/points/{Uri.EscapeDataString(context.Get(point))}";
            var deleted = await context.Client.DeleteAsync<Deleted>(path, context.CancellationToken);
            VolumePrinter.Print(deleted, context.Json, $"{deleted.Name} deleted");
            return ProgramShell.Done;
        });
    }
}
