using System.CommandLine;
using Dr.Contracts.Cli;
using Dr.Silo.Cli;

var root = new RootCommand("dr-silo: the control plane. Follows business systems and kiosks by heartbeat, decides, takes over and brings home.") { RunCommand.Create() };
foreach (var command in ClientCommands.Create())
{
    root.Subcommands.Add(command);
}

return await ProgramShell.InvokeAsync(root, args, "dr-silo");
