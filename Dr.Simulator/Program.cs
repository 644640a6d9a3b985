using System.CommandLine;
using Dr.Simulator.Live;
using Dr.Simulator.Replay;

var root = new RootCommand("dr-sim: the year of faults on record, replayed through the control plane's own decision code, and workloads for real machines.")
{
    ReplayCommand.Create(),
    WorkloadCommands.Create(),
};
var parsed = root.Parse(args);
if (parsed.Errors.Count > 0)
{
    await Console.Error.WriteLineAsync(parsed.Errors[0].Message);
    await Console.Error.WriteLineAsync($"Hint: 'dr-sim {(parsed.CommandResult.Command == root ? "" : parsed.CommandResult.Command.Name + " ")}--help' shows the usage.");
    return 2;
}

try
{
    return await parsed.InvokeAsync(new InvocationConfiguration { EnableDefaultExceptionHandler = false });
}
catch (DrException e)
{
    await Console.Error.WriteLineAsync(e.Message);
    if (e.Hint is not null)
    {
        await Console.Error.WriteLineAsync($"Hint: {e.Hint}");
    }

    return 1;
}
catch (OperationCanceledException)
{
    await Console.Error.WriteLineAsync("Stopped.");
    return 1;
}
