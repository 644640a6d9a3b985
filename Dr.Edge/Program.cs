using System.CommandLine;
using Dr.Edge.Archives;
using Dr.Edge.Cli;
using Dr.Edge.Enrolment;
using Dr.Edge.Host;
using Dr.Edge.Kiosk;
using Dr.Edge.Link;
using Dr.Edge.Mirroring;
using Dr.Edge.Nbd;
using Dr.Edge.Replication;
using Dr.Edge.Replication.Line.Bandwidth;

var root = new RootCommand("dr-edge: protected volumes with their whole history, copies at other sites, and the agent of a business host.");
IEnumerable<Command> commands =
[
    RunCommand.Create(),
    .. VolumeCommands.Create(),
    ArchiveCommands.Create(),
    .. NbdCommands.Create(),
    .. ReplicationCommands.Create(),
    BandwidthCommands.Create(),
    .. LinkCommands.Create(),
    .. EnrolmentCommands.Create(),
    .. HostCommands.Create(),
    MirrorCommands.Create(),
    .. KioskCommands.Create(),
];
foreach (var command in commands)
{
    root.Subcommands.Add(command);
}

return await ProgramShell.InvokeAsync(root, args, "dr-edge");
