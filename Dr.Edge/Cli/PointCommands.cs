using System.CommandLine;
using Dr.Edge.Volumes.Space;

namespace Dr.Edge.Cli;

/// <summary><c>dr-edge point</c>.</summary>
internal static class PointCommands
{
    public static Command Create() => new("point", "Points: moments of a volume that stay.") { CreateOne(), List(), Hold(), Release(), Delete() };

    private static Command CreateOne()
    {
        var volumes = new Argument<string[]>("VOLUME") { Description = "Name of a volume or clone; several = one instant of all of them.", Arity = ArgumentArity.OneOrMore };
        var label = new Option<string?>("--label") { Description = "A name for people.", HelpName = "TEXT" };
        return CommandShell.Remote("create", "Take a point now; prints its id (of several volumes: each volume with its point's).", [volumes, label], async context =>
        {
            var names = context.Get(volumes);
            if (names.Length > 1)
            {
                var group = await context.Client.PostAsync<CreateGroupResult>("points/groups", new CreateGroupRequest(names, context.Get(label)), context.CancellationToken);
                VolumePrinter.Print(group, context.Json, string.Join('\n', group.Points.Select(p => $"{p.Volume} {p.Point.Id}")));
                return ProgramShell.Done;
            }

            var point = await context.Client.PostAsync<PointInfo>($"{VolumeCommands.PathOf(names[0])}/points", new CreatePointRequest(context.Get(label)), context.CancellationToken);
            VolumePrinter.Print(point, context.Json, point.Id.Value);
            return ProgramShell.Done;
        });
    }

    private static Command List()
    {
        var volume = VolumeCommands.VolumeArgument();
        return CommandShell.Remote("list", "The points of a volume, oldest first.", [volume], async context =>
        {
            var points = await context.Client.GetAsync<List<PointSummary>>($"{VolumeCommands.PathOf(context.Get(volume))}/points", context.CancellationToken);
            var space = await context.Client.GetAsync<VolumeSpaceReport>($"{VolumeCommands.PathOf(context.Get(volume))}/space", context.CancellationToken);
            PointPrinter.PrintTable(points, space.Points ?? [], context.Json);
            return ProgramShell.Done;
        });
    }

    private static Command Hold()
    {
        var volume = VolumeCommands.VolumeArgument();
        var point = PointArgument();
        var reason = new Option<string?>("--reason") { Description = "Why, for whoever wants to delete it.", HelpName = "TEXT" };
        return CommandShell.Remote("hold", "Keep a point, whatever the policy says, until it is released.", [volume, point, reason], async context =>
        {
            var held = await context.Client.PostAsync<HolderSummary>(HoldPath(context, volume, point), new HoldPointRequest(context.Get(reason)), context.CancellationToken);
            VolumePrinter.Print(held, context.Json, $"{held.Point} held");
            return ProgramShell.Done;
        });
    }

    private static Command Release()
    {
        var volume = VolumeCommands.VolumeArgument();
        var point = PointArgument();
        return CommandShell.Remote("release", "End a hold.", [volume, point], async context =>
        {
            var released = await context.Client.DeleteAsync<Deleted>(HoldPath(context, volume, point), context.CancellationToken);
            VolumePrinter.Print(released, context.Json, $"{released.Name} released");
            return ProgramShell.Done;
        });
    }

    private static Argument<string> PointArgument() => new("POINT") { Description = "The point's id or label." };

    private static string HoldPath(CommandContext context, Argument<string> volume, Argument<string> point) =>
        $"{VolumeCommands.PathOf(context.Get(volume))}/points/{ControlPath.Segment(context.Get(point))}/hold";

    private static Command Delete()
    {
        var volume = VolumeCommands.VolumeArgument();
        var point = PointArgument();
        var freeNow = new Option<bool>("--free-now") { Description = "Also give up the moments between the point before and this one that the fine window would keep, so that its space comes free at once. Implied while the disk is short." };
        return CommandShell.Remote("delete", "Delete a point; what only it needed gives way in the background, once it has left the fine window.", [volume, point, freeNow], async context =>
        {
            var path = $"{VolumeCommands.PathOf(context.Get(volume))}/points/{ControlPath.Segment(context.Get(point))}{(context.Get(freeNow) ? "?freeNow=true" : "")}";
            var deleted = await context.Client.DeleteAsync<Deleted>(path, context.CancellationToken);
            VolumePrinter.Print(deleted, context.Json, $"{deleted.Name} deleted");
            return ProgramShell.Done;
        });
    }
}
