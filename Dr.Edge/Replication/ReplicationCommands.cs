using System.CommandLine;

namespace Dr.Edge.Replication;

/// <summary>This part's commands of <c>dr-edge</c>.</summary>
internal static class ReplicationCommands
{
    public static IEnumerable<Command> Create() => [];
}
