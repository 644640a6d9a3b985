using System.CommandLine;
using Dr.Contracts.Cli;
using Dr.Simulator.Detection;
using Dr.Simulator.Live;
using Dr.Simulator.Live.Circulation;
using Dr.Simulator.Load;
using Dr.Simulator.Plans;
using Dr.Simulator.Replay;
using Dr.Simulator.Years;

var root = new RootCommand("dr-sim: the year of faults on record, replayed through the control plane's own decision code, and workloads for real machines.")
{
    ReplayCommand.Create(),
    WhatIfCommand.Create(),
    CapacityCommand.Create(),
    WorkloadCommands.Create(),
    DetectorCommand.Create(),
    YearsCommand.Create(),
    LoadCommand.Create(),
    LiveCommand.Create(),
};
return await ProgramShell.InvokeAsync(root, args, "dr-sim");
