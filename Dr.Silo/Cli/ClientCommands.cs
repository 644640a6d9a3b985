using System.CommandLine;
using System.Text.Json;
using Dr.Contracts.Cli;
using Dr.Contracts.Grains;
using Spectre.Console;

namespace Dr.Silo.Cli;

/// <summary>The admin API from the command line.</summary>
internal static class ClientCommands
{
    public static IEnumerable<Command> Create() =>
    [
        Query<IReadOnlyList<SystemView>>("systems", "List the business systems: phase, epoch, owner, data age, points.", "systems", ViewTables.Systems),
        Query<IReadOnlyList<DeviceView>>("devices", "List the devices: presence and last beat.", "devices", ViewTables.Devices),
        Query<IReadOnlyList<VolumeView>>("volumes", "List the protected volumes and their copies.", "volumes", ViewTables.Volumes),
        Query<IReadOnlyList<RunView>>("runs", "List the newest runs.", "runs", ViewTables.Runs),
        Start("failover", "Take over at the other site; may lose what the copy has not received."),
        Start("move", "Go to the other site as planned; loses nothing."),
        Start("failback", "Go home as planned; loses nothing."),
        Decide("approve", "Let a run go on that waits for a person."),
        Decide("commit", "Commit a takeover that is on trial."),
        Decide("stop", "Stop a run while that is still safe."),
        PolicyCommands.Create(),
    ];

    private static Command Start(string kind, string description)
    {
        var system = new Argument<string>("SYSTEM") { Description = "Business system." };
        var (actor, reason) = (Actor(), new Option<string>("--reason") { Description = "Why; goes into the audit.", Required = true });
        var epoch = new Option<long?>("--epoch") { Description = "The epoch that you saw; refused when ownership has moved since. Default: looked up now." };
        var key = new Option<string?>("--key") { Description = "Idempotency key: the same key again gives the same run (default: a fresh one)." };
        return Remote(kind, description, [system], [actor, reason, epoch, key], async (client, parsed, cancellationToken) =>
        {
            var id = parsed.GetValue(system)!;
            var seen = parsed.GetValue(epoch) is { } given ? new Epoch(given) : (await client.GetAsync<SystemView>($"systems/{Uri.EscapeDataString(id)}", cancellationToken)).Epoch;
            return await client.PostAsync<RunView>("runs", new { system = id, kind, actor = parsed.GetValue(actor), reason = parsed.GetValue(reason) }, seen, parsed.GetValue(key) ?? Guid.NewGuid().ToString("N"), cancellationToken);
        }, run => ViewTables.Runs([run]));
    }

    private static Command Decide(string verb, string description)
    {
        var id = new Argument<string>("RUN") { Description = "Run id." };
        var (actor, reason) = (Actor(), new Option<string?>("--reason") { Description = "Why; goes into the audit." });
        return Remote(verb, description, [id], [actor, reason], async (client, parsed, cancellationToken) => await client.PostAsync<RunView>(
            $"runs/{Uri.EscapeDataString(parsed.GetValue(id)!)}/{verb}", new { actor = parsed.GetValue(actor), reason = parsed.GetValue(reason) }, null, null, cancellationToken),
            run => ViewTables.Runs([run]));
    }

    private static Command Query<T>(string name, string description, string path, Func<T, Table> table) =>
        Remote(name, description, [], [], (client, _, cancellationToken) => client.GetAsync<T>(path, cancellationToken), table);

    internal static Command Remote<T>(
        string name, string description, Argument[] arguments, Option[] options, Func<ApiClient, ParseResult, CancellationToken, Task<T>> ask, Func<T, Table> table)
    {
        var server = new Option<string>("--server")
        {
            Description = "Address of the control plane (default: $DR_SILO, else 127.0.0.1:8480).",
            HelpName = "HOST:PORT",
            DefaultValueFactory = _ => Environment.GetEnvironmentVariable("DR_SILO") ?? "127.0.0.1:8480",
        };
        var json = new Option<bool>("--json") { Description = "Print JSON instead of a table." };
        var command = new Command(name, description);
        foreach (var argument in arguments)
        {
            command.Arguments.Add(argument);
        }

        foreach (var option in options.Append(server).Append(json))
        {
            command.Options.Add(option);
        }

        command.SetAction(async (parsed, cancellationToken) =>
        {
            using var client = new ApiClient(parsed.GetValue(server)!);
            var answer = await ask(client, parsed, cancellationToken);
            if (parsed.GetValue(json))
            {
                Console.Out.WriteLine(JsonSerializer.Serialize(answer, ApiClient.Json));
            }
            else
            {
                AnsiConsole.Write(table(answer));
            }

            return ProgramShell.Done;
        });
        return command;
    }

    internal static Option<string> Actor() => new("--actor") { Description = "Who orders it (default: the signed-in user).", DefaultValueFactory = _ => Environment.UserName };
}
