using System.CommandLine;
using System.Text.Json;
using Dr.Contracts.Cli;
using Spectre.Console;

namespace Dr.Silo.Cli;

/// <summary>The admin API from the command line: what all its commands have in common.</summary>
internal static class ClientCommands
{
    public static IEnumerable<Command> Create() => [.. ThingCommands.Create(), .. OrderCommands.Create(), PolicyCommands.Create(), DetectorCommands.Create(), AlertCommands.Create(), .. LogCommands.Create(), .. AccessCommands.Create(), CertificateCommands.Create()];

    /// <summary>A command that asks and shows: a table for people, JSON for programs.</summary>
    internal static Command Remote<T>(
        string name, string description, Argument[] arguments, Option[] options, Func<ApiClient, ParseResult, CancellationToken, Task<T>> ask, Func<T, Table> table)
    {
        var json = new Option<bool>("--json") { Description = "Print JSON instead of a table." };
        return Raw(name, description, arguments, [.. options, json], async (client, parsed, cancellationToken) =>
        {
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
    }

    /// <summary>A command that changes something and says so in one sentence.</summary>
    internal static Command Change(string name, string description, Argument[] arguments, Option[] options, Func<ApiClient, ParseResult, CancellationToken, Task<string>> change) =>
        Raw(name, description, arguments, options, async (client, parsed, cancellationToken) =>
        {
            Console.Out.WriteLine(await change(client, parsed, cancellationToken));
            return ProgramShell.Done;
        });

    internal static Command Raw(string name, string description, Argument[] arguments, Option[] options, Func<ApiClient, ParseResult, CancellationToken, Task<int>> run, bool unsigned = false)
    {
        var server = new Option<string>("--server")
        {
            Description = "Address of the control plane (default: $DR_SILO, else 127.0.0.1:8480).",
            HelpName = "HOST:PORT|URL",
            DefaultValueFactory = _ => Environment.GetEnvironmentVariable("DR_SILO") ?? "127.0.0.1:8480",
        };
        var tokenFile = new Option<string?>("--token-file") { Description = $"File with the token (default: ${TokenFile.Variable}, else what dr-silo login wrote).", HelpName = "FILE" };
        var authority = new Option<string?>("--ca") { Description = "PEM file of the authority that the server's certificate comes from (default: $DR_SILO_CA, else the system's).", HelpName = "FILE" };
        var command = new Command(name, description);
        foreach (var argument in arguments)
        {
            command.Arguments.Add(argument);
        }

        foreach (var option in options.Concat([server, tokenFile, authority]))
        {
            command.Options.Add(option);
        }

        command.SetAction(async (parsed, cancellationToken) =>
        {
            var token = unsigned ? null : TokenFile.Read(parsed.GetValue(tokenFile));
            using var client = new ApiClient(parsed.GetValue(server)!, token, parsed.GetValue(authority) ?? Environment.GetEnvironmentVariable("DR_SILO_CA"));
            return await run(client, parsed, cancellationToken);
        });
        return command;
    }

    internal static Option<string> Actor() => new("--actor")
    {
        Description = "Who orders it, while nobody has to sign in (default: this machine's user).",
        DefaultValueFactory = _ => Environment.UserName,
    };

    /// <summary>Who the request says it is from: nobody when a token says it.</summary>
    internal static string? ActorOf(ApiClient client, ParseResult parsed, Option<string> actor) => client.HasToken && parsed.GetResult(actor) is null or { Implicit: true } ? null : parsed.GetValue(actor);

    internal static Option<string> Reason(string description = "Why; goes into the audit.") => new("--reason") { Description = description, Required = true };

    internal static Option<string?> Text(string name, string description, string? helpName = null) => new(name) { Description = description, HelpName = helpName };

    /// <summary><paramref name="path"/> with those of the options that were given.</summary>
    internal static string Query(string path, ParseResult parsed, params (string Name, Option<string?> Option)[] filters) =>
        filters.Select(f => (f.Name, Value: parsed.GetValue(f.Option))).Where(f => f.Value is not null)
            .Aggregate(path, (sum, f) => $"{sum}{(sum.Contains('?', StringComparison.Ordinal) ? '&' : '?')}{f.Name}={Uri.EscapeDataString(f.Value!)}");

    internal static Command With(this Command command, params Command[] subcommands)
    {
        foreach (var subcommand in subcommands)
        {
            command.Subcommands.Add(subcommand);
        }

        return command;
    }

    internal static string Escape(string? segment) => Uri.EscapeDataString(segment ?? "");
}
