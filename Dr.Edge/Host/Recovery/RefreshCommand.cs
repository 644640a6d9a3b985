using System.CommandLine;
using Dr.Edge.Cli;

namespace Dr.Edge.Host.Recovery;

/// <summary><c>dr-edge system refresh</c>.</summary>
internal static class RefreshCommand
{
    public static Command Create()
    {
        var system = new Argument<string>("ID") { Description = "The system's id in the configuration." };
        var at = new Option<string>("--at") { Description = "The point's id or label, or a time.", HelpName = "POINT|TIME", Required = true };
        var keep = new Option<string?>("--keep") { Description = "Keep the clone under this name: recovered, checked and stopped in order, it starts at once.", HelpName = "CLONE" };
        return CommandShell.Remote(
            "refresh", "Prove a point: on a clone of it the file system and the database go through their own recovery and check themselves; exit status 1 unless all is sound. The system in use is not touched.", [system, at, keep], async context =>
            {
                var record = await RecoveryProgress.RunAsync<RefreshRecord>(context, $"systems/{ControlPath.Segment(context.Get(system))}/refresh", new RefreshRequest(context.Get(at)!, context.Get(keep)));
                VolumePrinter.Print(record, context.Json, record.IsSound is true ? $"{record.At} is sound{(record.IsKept ? $", kept as {record.CloneName}" : "")}" : $"{record.At} is NOT sound: {record.Reason}");
                return record.IsSound is true ? ProgramShell.Done : ProgramShell.Failed;
            });
    }
}
