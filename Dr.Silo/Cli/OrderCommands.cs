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

    private static Command Decide(string verb, string description)
    {
        var id = new Argument<string>("RUN") { Description = "Run id." };
        var (actor, reason) = (ClientCommands.Actor(), ClientCommands.Text("--reason", "Why; goes into the audit."));
        return ClientCommands.Remote(verb, description, [id], [actor, reason], async (client, parsed, cancellationToken) => await client.PostAsync<RunView>(
            $"runs/{ClientCommands.Escape(parsed.GetValue(id))}/{verb}", new { actor = ClientCommands.ActorOf(client, parsed, actor), reason = parsed.GetValue(reason) }, null, null, cancellationToken),
            run => ViewTables.Runs([run]));
    }

    private static async Task<Epoch> SeenAsync(ApiClient client, string system, long? given, CancellationToken cancellationToken) =>
        given is { } epoch ? new Epoch(epoch) : (await client.GetAsync<SystemView>($"systems/{ClientCommands.Escape(system)}", cancellationToken)).Epoch;
}
