using System.CommandLine;
using Dr.Contracts.Cli;
using Dr.Edge.Cli;

namespace Dr.Edge.Replication;

/// <summary>The commands <c>copy</c>, <c>promote</c> and <c>demote</c>.</summary>
internal static class ReplicationCommands
{
    public static IEnumerable<Command> Create() => [CopyCommand(), RoleCommand("promote", "Make this copy the primary at epoch N."), RoleCommand("demote", "Stop being primary because the owner at epoch N is another.")];

    private static Command CopyCommand()
    {
        var copy = new Command("copy", "Copies of a volume on other appliances.");
        copy.Subcommands.Add(Add());
        copy.Subcommands.Add(Status());
        copy.Subcommands.Add(Remove());
        copy.Subcommands.Add(Sync());
        return copy;
    }

    private static Argument<string> Volume() => new("VOLUME") { Description = "Name of the volume." };

    private static Option<string> Peer(bool required) => new("--peer") { Description = "Replication address of the other appliance.", HelpName = "HOST:PORT", Required = required };

    private static Command Add()
    {
        var volume = Volume();
        var peer = Peer(required: true);
        var mode = new Option<string>("--mode") { Description = "sync: writes wait for the copy; stream: every write follows at once; delta: point by point.", HelpName = "sync|stream|delta", Required = true };
        mode.AcceptOnlyFromAmong("sync", "stream", "delta");
        var bandwidth = new Option<double?>("--bandwidth") { Description = "Megabits a second at most.", HelpName = "MBITS" };
        return CommandShell.Remote("add", "Copy a volume to a peer from now on; changes the mode when it is copied there already.", [volume, peer, mode, bandwidth], async context =>
        {
            var request = new AddCopyRequest(context.Get(peer)!, Enum.Parse<CopyMode>(context.Get(mode)!, ignoreCase: true), context.Get(bandwidth));
            var list = await context.Client.PostAsync<CopyList>($"replication/{Uri.EscapeDataString(context.Get(volume))}/copies", request, context.CancellationToken);
            return Print(context, list);
        });
    }

    private static Command Status()
    {
        var volume = Volume();
        return CommandShell.Remote("status", "How the copies of a volume are doing.", [volume], async context =>
            Print(context, await context.Client.GetAsync<CopyList>($"replication/{Uri.EscapeDataString(context.Get(volume))}/copies", context.CancellationToken)));
    }

    private static Command Remove()
    {
        var volume = Volume();
        var peer = Peer(required: true);
        return CommandShell.Remote("remove", "Stop copying a volume to a peer; the peer keeps what it has.", [volume, peer], async context =>
        {
            var path = $"replication/{Uri.EscapeDataString(context.Get(volume))}/copies?peer={Uri.EscapeDataString(context.Get(peer)!)}";
            var result = await context.Client.DeleteAsync<RemoveResult>(path, context.CancellationToken);
            return Say(context, result, $"{context.Get(volume)} is no longer copied to {context.Get(peer)}.");
        });
    }

    private static Command Sync()
    {
        var volume = Volume();
        var peer = Peer(required: false);
        return CommandShell.Remote("sync", "Wait until the peer holds everything up to now, the newest point included.", [volume, peer], async context =>
        {
            var query = context.Get(peer) is { } one ? $"?peer={Uri.EscapeDataString(one)}" : "";
            var result = await context.Client.PostAsync<SyncResult>($"replication/{Uri.EscapeDataString(context.Get(volume))}/sync{query}", null, context.CancellationToken);
            return Say(context, result, $"The copy of {result.Volume} holds everything up to {result.Sequence}.");
        });
    }

    private static Command RoleCommand(string name, string description)
    {
        var volume = Volume();
        var epoch = new Option<long>("--epoch") { Description = "The new owner's epoch.", HelpName = "N", Required = true };
        return CommandShell.Remote(name, description, [volume, epoch], async context =>
        {
            var path = $"replication/{Uri.EscapeDataString(context.Get(volume))}/{name}";
            var result = await context.Client.PostAsync<RoleResult>(path, new EpochRequest(context.Get(epoch)), context.CancellationToken);
            return Say(context, result, $"{result.Volume} is {result.Role.ToString().ToLowerInvariant()} at epoch {result.Epoch}, position {result.Sequence}{(result.Point is null ? "" : $", last point {result.Point}")}.");
        });
    }

    private static int Say<T>(CommandContext context, T value, string sentence)
    {
        if (context.Json)
        {
            CommandShell.PrintJson(value);
        }
        else
        {
            Console.Out.WriteLine(sentence);
        }

        return ProgramShell.Done;
    }

    private static int Print(CommandContext context, CopyList list)
    {
        if (context.Json)
        {
            CommandShell.PrintJson(list);
            return ProgramShell.Done;
        }

        if (list.Copies.Count == 0)
        {
            Console.Out.WriteLine($"{list.Volume} ({list.Role.ToString().ToLowerInvariant()}, epoch {list.Epoch}) has no copies.");
            return ProgramShell.Done;
        }

        // Lines, not a table: addresses, ids and reasons must stay whole for eyes, pipes and grep, however narrow the terminal is.
        foreach (var copy in list.Copies)
        {
            Console.Out.WriteLine($"{list.Volume} -> {copy.Peer}  {copy.Mode.ToString().ToLowerInvariant()}  {Describe(copy.State)}{(copy.Detail is null ? "" : $": {copy.Detail}")}");
            Console.Out.WriteLine($"  durable there    write {copy.Durable}, behind by {Bytes(copy.LagBytes)}, {(copy.LagSeconds < 0 ? "age unknown" : string.Create(CultureInfo.InvariantCulture, $"{copy.LagSeconds:0.0} s"))}");
            Console.Out.WriteLine($"  common point     {copy.LastCommonPoint?.Value ?? "none"}");
            Console.Out.WriteLine($"  on the wire      {Bytes(copy.WireBytes)} for {Bytes(copy.ChangedBytes)} of changes");
        }

        return ProgramShell.Done;
    }

    private static string Describe(CopyState state) => state switch
    {
        CopyState.CatchingUp => "catching up",
        CopyState.Seeding => "first copy under way",
        _ => state.ToString().ToLowerInvariant(),
    };

    private static string Bytes(long count) => count switch
    {
        < 10_240 => string.Create(CultureInfo.InvariantCulture, $"{count} B"),
        < 10 * 1024 * 1024 => string.Create(CultureInfo.InvariantCulture, $"{count / 1024} KiB"),
        _ => string.Create(CultureInfo.InvariantCulture, $"{count / 1024 / 1024} MiB"),
    };
}
