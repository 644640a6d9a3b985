using System.CommandLine;
using Dr.Contracts.Grains;

namespace Dr.Silo.Cli;

/// <summary>Orders: the verbs of runs and systems.</summary>
internal static class OrderCommands
{
    public static IEnumerable<Command> Create() =>
    [
        Start("failover", "Take over at the other site; may lose what the copy has not received."),
        Start("move", "Go to the other site as planned; loses nothing."),
        Start("failback", "Go home as planned; loses nothing."),
        Start("drill", "Bring the system up from its copy beside the real one; changes no ownership."),
        Decide("approve", "Let a run go on that waits for a person."),
        Decide("commit", "Commit a takeover that is on trial."),
        Decide("retry", "Try again the step of a run that ran out of attempts."),
        Decide("rollback", "Give up what was written on trial and return to the old copy.", "roll-back"),
        Decide("decline", "Do not take over; automation is held for a time.", holds: true),
        Order("hold", "No automatic takeover of a system for a time.", holds: true),
        Order("release", "End a hold before its time."),
        Order("resolve", "Let the copy give way that does not hold the present epoch; what only it has is kept as a clone."),
        Order("accept", "Believe the ownership record where it moved without this control plane."),
        Force(),
        Decide("stop", "Stop a run while that is still safe."),
    ];

    private static Command Start(string kind, string description)
    {
        var system = new Argument<string>("SYSTEM") { Description = "Business system." };
        var (actor, reason) = (ClientCommands.Actor(), ClientCommands.Reason());
        var epoch = new Option<long?>("--epoch") { Description = "The epoch that you saw; refused when ownership has moved since. Default: looked up now." };
        var key = ClientCommands.Text("--key", "Idempotency key: the same key again gives the same run (default: a fresh one).");
        return ClientCommands.Remote(kind, description, [system], [actor, reason, epoch, key], async (client, parsed, cancellationToken) =>
        {
            var id = parsed.GetValue(system)!;
            var body = new { system = id, kind, actor = ClientCommands.ActorOf(client, parsed, actor), reason = parsed.GetValue(reason) };
            return await client.PostAsync<RunView>("runs", body, await SeenAsync(client, id, parsed.GetValue(epoch), cancellationToken), parsed.GetValue(key) ?? Guid.NewGuid().ToString("N"), cancellationToken);
        }, run => ViewTables.Runs([run]));
    }

    private static Command Decide(string name, string description, string? verb = null, bool holds = false)
    {
        var id = new Argument<string>("RUN") { Description = "Run id." };
        var (actor, reason, length) = (ClientCommands.Actor(), ClientCommands.Text("--reason", "Why; goes into the audit."), For());
        return ClientCommands.Remote(name, description, [id], holds ? [actor, reason, length] : [actor, reason], async (client, parsed, cancellationToken) => await client.PostAsync<RunView>(
            $"runs/{ClientCommands.Escape(parsed.GetValue(id))}/{verb ?? name}",
            new { actor = ClientCommands.ActorOf(client, parsed, actor), reason = parsed.GetValue(reason), @for = holds ? parsed.GetValue(length) : null },
            null,
            null,
            cancellationToken),
            run => ViewTables.Runs([run]));
    }

    private static Command Order(string verb, string description, bool holds = false)
    {
        var system = new Argument<string>("SYSTEM") { Description = "Business system." };
        var (actor, reason, length) = (ClientCommands.Actor(), ClientCommands.Reason(), For());
        return ClientCommands.Remote(verb, description, [system], holds ? [actor, reason, length] : [actor, reason], async (client, parsed, cancellationToken) => await client.PostAsync<SystemView>(
            $"systems/{ClientCommands.Escape(parsed.GetValue(system))}/{verb}",
            new { actor = ClientCommands.ActorOf(client, parsed, actor), reason = parsed.GetValue(reason), @for = holds ? parsed.GetValue(length) : null },
            null,
            null,
            cancellationToken),
            view => ViewTables.Systems([view]));
    }

    private static Command Force()
    {
        var system = new Argument<string>("SYSTEM") { Description = "Business system." };
        var reason = ClientCommands.Reason();
        var statement = new Option<string>("--statement") { Description = "That the old side is off, and how you know.", Required = true };
        var epoch = new Option<long?>("--epoch") { Description = "The epoch that you saw. Default: looked up now." };
        var key = ClientCommands.Text("--key", "Idempotency key (default: a fresh one).");
        return ClientCommands.Remote(
            "force", "Take over without proof that the old side cannot write: two commanders, each signed in as themselves, order it within 15 minutes.", [system], [reason, statement, epoch, key],
            async (client, parsed, cancellationToken) =>
            {
                var id = parsed.GetValue(system)!;
                return await client.PostAsync<RunView>(
                    $"systems/{ClientCommands.Escape(id)}/force",
                    new { reason = parsed.GetValue(reason), statement = parsed.GetValue(statement) },
                    await SeenAsync(client, id, parsed.GetValue(epoch), cancellationToken),
                    parsed.GetValue(key) ?? Guid.NewGuid().ToString("N"),
                    cancellationToken);
            }, run => ViewTables.Runs([run]));
    }

    private static Option<string> For() => new("--for") { Description = "How long.", HelpName = "2h", Required = true };

    private static async Task<Epoch> SeenAsync(ApiClient client, string system, long? given, CancellationToken cancellationToken) =>
        given is { } epoch ? new Epoch(epoch) : (await client.GetAsync<SystemView>($"systems/{ClientCommands.Escape(system)}", cancellationToken)).Epoch;
}
