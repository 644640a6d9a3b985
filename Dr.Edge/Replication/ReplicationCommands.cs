using System.CommandLine;
using Dr.Contracts.Cli;
using Dr.Edge.Cli;
using Dr.Edge.Replication.Status;

namespace Dr.Edge.Replication;

/// <summary>The commands <c>copy</c>, <c>promote</c> and <c>demote</c>.</summary>
internal static class ReplicationCommands
{
    public static IEnumerable<Command> Create() => [CopyCommand(), RoleCommand("promote", "Make this copy the primary at epoch N."), RoleCommand("demote", "Stop being primary because the owner at epoch N is another.")];

    private static Command CopyCommand()
    {
        var copy = new Command("copy", "Copies of a volume on other appliances.");
        copy.Subcommands.Add(Add());
        copy.Subcommands.Add(StatusCommand.Create(Volume()));
        copy.Subcommands.Add(Set());
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
        var bandwidth = new Option<double?>("--bandwidth") { Description = "Megabits a second at most, for this copy alone; 0 = no limit.", HelpName = "MBITS" };
        var (onLoss, degradeAfter, ack, budget, line) = (OnLoss(), DegradeAfter(), Ack(), HoldBudget(), Class());
        return CommandShell.Remote("add", "Copy a volume to a peer from now on; changes the mode when it is copied there already.", [volume, peer, mode, bandwidth, line, ack, onLoss, degradeAfter, budget], async context =>
        {
            var request = new AddCopyRequest(
                context.Get(peer)!, Enum.Parse<CopyMode>(context.Get(mode)!, ignoreCase: true), context.Get(bandwidth), Policy(context.Get(onLoss)), Duration(context.Get(degradeAfter)), Size(context.Get(budget)), context.Get(line), AckOf(context.Get(ack)));
            var list = await context.Client.PostAsync<CopyList>($"replication/{ControlPath.Segment(context.Get(volume))}/copies", request, context.CancellationToken);
            StatusCommand.Print(context, list);
            return ProgramShell.Done;
        });
    }

    private static Command Set()
    {
        var volume = Volume();
        var peer = Peer(required: true);
        var mode = new Option<string>("--mode") { Description = "sync, stream or delta.", HelpName = "sync|stream|delta" };
        mode.AcceptOnlyFromAmong("sync", "stream", "delta");
        var bandwidth = new Option<double?>("--bandwidth") { Description = "Megabits a second at most, for this copy alone; 0 = no limit.", HelpName = "MBITS" };
        var (onLoss, degradeAfter, ack, budget, line) = (OnLoss(), DegradeAfter(), Ack(), HoldBudget(), Class());
        return CommandShell.Remote("set", "Change a copy while it runs; what is not named stays.", [volume, peer, mode, bandwidth, line, ack, onLoss, degradeAfter, budget], async context =>
        {
            var request = new SetCopyRequest(
                context.Get(peer)!,
                context.Get(mode) is { } name ? Enum.Parse<CopyMode>(name, ignoreCase: true) : null,
                context.Get(bandwidth),
                Policy(context.Get(onLoss)),
                Duration(context.Get(degradeAfter)),
                Size(context.Get(budget)),
                context.Get(line),
                AckOf(context.Get(ack)));
            var list = await context.Client.SendAsync<CopyList>(HttpMethod.Patch, $"replication/{ControlPath.Segment(context.Get(volume))}/copies", request, context.CancellationToken);
            StatusCommand.Print(context, list);
            return ProgramShell.Done;
        });
    }

    private static Option<string> Class() => new("--class") { Description = $"Bandwidth class to keep to beside that (see 'dr-edge bandwidth list'); '{CopyRequest.NoClass}' = no class.", HelpName = "NAME" };

    private static Option<string> OnLoss()
    {
        var option = new Option<string>("--on-loss")
        {
            Description = "When a synchronous copy is lost: stall (writes wait until it is back; the default) or degrade (writes go on as soon as it is recorded that the copy is out of date).",
            HelpName = "stall|degrade",
        };
        option.AcceptOnlyFromAmong("stall", "degrade");
        return option;
    }

    private static Option<string> Ack()
    {
        var option = new Option<string>("--ack")
        {
            Description = "What a write's answer waits for at a synchronous copy: applied (the copy has it in its log; the default) or durable (it is on the copy's disk). Flushes wait for both disks in either case.",
            HelpName = "applied|durable",
        };
        option.AcceptOnlyFromAmong("applied", "durable");
        return option;
    }

    private static MirrorAck? AckOf(string? text) => text is null ? null : Enum.Parse<MirrorAck>(text, ignoreCase: true);

    private static Option<string> DegradeAfter() =>
        new("--degrade-after") { Description = $"How long writes wait before that (default {CopySettings.DefaultDegradeAfter.TotalSeconds:0}s).", HelpName = "DURATION" };

    private static Option<string> HoldBudget() => new("--hold-budget")
    {
        Description = $"How much log is kept for the copy while it is away (default {Quantities.FormatSize(Holds.HoldPlan.DefaultBudgetBytes)}, at most a tenth of the file system).",
        HelpName = "SIZE",
    };

    private static long? Size(string? text) => text is null ? null : CommandShell.Parse(() => Quantities.ParseSize(text, "--hold-budget"));

    private static LossPolicy? Policy(string? text) => text is null ? null : Enum.Parse<LossPolicy>(text, ignoreCase: true);

    private static TimeSpan? Duration(string? text) => text is null ? null : CommandShell.Parse(() => Quantities.ParseDuration(text, "--degrade-after"));

    private static Command Remove()
    {
        var volume = Volume();
        var peer = Peer(required: true);
        return CommandShell.Remote("remove", "Stop copying a volume to a peer; the peer keeps what it has.", [volume, peer], async context =>
        {
            var path = $"replication/{ControlPath.Segment(context.Get(volume))}/copies?peer={Uri.EscapeDataString(context.Get(peer)!)}";
            var result = await context.Client.DeleteAsync<RemoveResult>(path, context.CancellationToken);
            return Say(context, result, $"{context.Get(volume)} is no longer copied to {context.Get(peer)}.");
        });
    }

    private static Command Sync()
    {
        var volume = Volume();
        var peer = Peer(required: false);
        var first = new Option<bool>("--first") { Description = "Before the other copies of its bandwidth class." };
        return CommandShell.Remote("sync", "Wait until the peer holds everything up to now, the newest point included.", [volume, peer, first], async context =>
        {
            var query = $"?first={(context.Get(first) ? "true" : "false")}{(context.Get(peer) is { } one ? $"&peer={Uri.EscapeDataString(one)}" : "")}";
            var result = await ProgressShell.RunAsync<SyncResult>(context, $"replication/{ControlPath.Segment(context.Get(volume))}/sync{query}", null);
            return Say(context, result, $"The copy of {result.Volume} holds everything up to {result.Sequence}.");
        });
    }

    private static Command RoleCommand(string name, string description)
    {
        var volume = Volume();
        var epoch = new Option<long>("--epoch") { Description = "The new owner's epoch.", HelpName = "N", Required = true };
        var ifWhole = new Option<bool>("--if-whole") { Description = "Refuse unless this synchronous copy knows that no answered write is missing here." };
        return CommandShell.Remote(name, description, name == "promote" ? [volume, epoch, ifWhole] : [volume, epoch], async context =>
        {
            var path = $"replication/{ControlPath.Segment(context.Get(volume))}/{name}";
            var result = await context.Client.PostAsync<RoleResult>(path, new EpochRequest(context.Get(epoch), name == "promote" && context.Get(ifWhole)), context.CancellationToken);
            return Say(context, result, $"{result.Volume} is {result.Role.ToString().ToLowerInvariant()} at epoch {result.Epoch}, position {result.Sequence}{(result.Point is null ? "" : $", last point {result.Point}")}{(result.Mirror is null ? "" : $"; as a mirror it was {result.Mirror}")}.");
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
}
