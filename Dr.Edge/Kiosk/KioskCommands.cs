using System.CommandLine;

namespace Dr.Edge.Kiosk;

/// <summary>This part's commands of <c>dr-edge</c>.</summary>
internal static class KioskCommands
{
    public static IEnumerable<Command> Create() => [];
}
