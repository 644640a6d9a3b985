using System.CommandLine;

namespace Dr.Edge.Cli;

/// <summary>The store's commands: volume, point, clone, restore, verify, import, export.</summary>
internal static class VolumeCommands
{
    public static IEnumerable<Command> Create() => [];
}
