using System.CommandLine;
using Dr.Edge.Cli;

namespace Dr.Edge.Volumes.Space;

/// <summary><c>dr-edge space</c>.</summary>
internal static class SpaceCommands
{
    public static Command Create() => CommandShell.Remote("space", "What the volumes cost on disk, how fast it grows, and when it will be full.", [], async context =>
    {
        var overview = await context.Client.GetAsync<SpaceOverview>("space", context.CancellationToken);
        if (context.Json)
        {
            CommandShell.PrintJson(overview);
        }
        else
        {
            SpacePrinter.Print(overview);
        }

        return ProgramShell.Done;
    });
}
