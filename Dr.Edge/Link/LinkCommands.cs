using System.CommandLine;

namespace Dr.Edge.Link;

/// <summary>This part's commands of <c>dr-edge</c>.</summary>
internal static class LinkCommands
{
    public static IEnumerable<Command> Create() => [];
}
