using System.CommandLine;
using Dr.Edge.Volumes;

namespace Dr.Edge.Cli;

/// <summary><c>dr-edge restore</c>. Ctrl-C takes the restore back; the daemon does so also when this process dies.</summary>
internal static class RestoreCommand
{
    // The daemon puts back what was done; a command that is told to stop has a minute before it is ended.
    private static readonly TimeSpan WaitForTheWayBack = TimeSpan.FromSeconds(50);

    public static Command Create()
    {
        var volume = VolumeCommands.VolumeArgument();
        var at = TransferCommands.AtOption(required: false);
        var undo = new Option<bool>("--undo") { Description = "Go back to what was there before the last restore; once more to do it again." };
        var detached = new Option<bool>("--if-detached") { Description = "Refuse when a client has the volume attached." };
        return CommandShell.Remote("restore", "Make a volume's content what it was; a point taken first can undo it. Unmount what is mounted on it before.", [volume, at, undo, detached], async context =>
        {
            if (context.Get(at) is null == !context.Get(undo))
            {
                throw new UsageException("Either --at or --undo says where to go back to.", "dr-edge restore VOLUME --at POINT|TIME, or dr-edge restore VOLUME --undo.");
            }

            var name = context.Get(volume);
            var earlier = (await context.Client.GetAsync<VolumeSummary>(VolumeCommands.PathOf(name), context.CancellationToken)).LastRestore;
            try
            {
                var result = await ProgressShell.RunAsync<RestoreResult>(context, $"{VolumeCommands.PathOf(name)}/restore", new RestoreRequest(context.Get(at), context.Get(undo), context.Get(detached)));
                VolumePrinter.Print(result, context.Json, $"{result.Volume} is as it was at {result.RestoredTo:O}; 'dr-edge restore {result.Volume} --undo' undoes this");
                if (result.Warning is { } warning)
                {
                    Console.Error.WriteLine($"Warning: {warning}");
                }

                return ProgramShell.Done;
            }
            catch (OperationCanceledException)
            {
                return await WaitForWayBackAsync(context, name, earlier);
            }
        });
    }

    /// <summary>The restore may have been done before the daemon heard of the Ctrl-C.</summary>
    private static async Task<int> WaitForWayBackAsync(CommandContext context, string name, RestoreOutcome? earlier)
    {
        Console.Error.WriteLine($"Cancelled; {name} is being put back to what it was before.");
        using var limit = new CancellationTokenSource(WaitForTheWayBack);
        try
        {
            VolumeSummary now;
            while ((now = await context.Client.GetAsync<VolumeSummary>(VolumeCommands.PathOf(name), limit.Token)).Restoring is not null)
            {
                await Task.Delay(200, limit.Token);
            }

            if (now.LastRestore is { Done: true } last && last != earlier)
            {
                Console.Error.WriteLine($"The restore was done before it could be cancelled: {name} is as it was at {last.To:O}; 'dr-edge restore {name} --undo' undoes this.");
                return ProgramShell.Done;
            }

            Console.Error.WriteLine($"{name} is as it was before.");
        }
        catch (OperationCanceledException)
        {
            Console.Error.WriteLine($"That goes on; 'dr-edge volume show {name}' says when it is done.");
        }

        return ProgramShell.Failed;
    }
}
