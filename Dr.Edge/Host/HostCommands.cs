using System.CommandLine;

namespace Dr.Edge.Host;

/// <summary>This part's commands of <c>dr-edge</c>.</summary>
internal static class HostCommands
{
    public static IEnumerable<Command> Create() => [];
}
