using System.CommandLine;

namespace Dr.Edge.Nbd;

/// <summary>This part's commands of <c>dr-edge</c>.</summary>
internal static class NbdCommands
{
    public static IEnumerable<Command> Create() => [];
}
