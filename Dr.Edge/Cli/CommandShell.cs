using System.CommandLine;
using System.Text.Json;
using Spectre.Console;

namespace Dr.Edge.Cli;

/// <summary>What every command shares: <c>--control</c>, <c>--json</c> and the connection to the running process.</summary>
internal static class CommandShell
{
    private const int RedirectedWidth = 1000;

    public static Option<string?> ControlOption() => new("--control")
    {
        Description = "Unix socket of the running dr-edge (default: $DR_CONTROL, else /run/dr/control.sock).",
        HelpName = "PATH",
    };

    public static Option<bool> JsonOption() => new("--json") { Description = "Print JSON instead of a table." };

    /// <summary>A command that asks the running <c>dr-edge</c>; adds <c>--control</c> and <c>--json</c>.</summary>
    public static Command Remote(string name, string description, IEnumerable<Symbol> symbols, Func<CommandContext, Task<int>> run)
    {
        var control = ControlOption();
        return Local(name, description, [.. symbols, control], (parsed, json, cancellationToken) => AskAsync(parsed, control, json, run, cancellationToken));
    }

    /// <summary>A command that does its work itself; adds <c>--json</c>.</summary>
    public static Command Local(string name, string description, IEnumerable<Symbol> symbols, Func<ParseResult, bool, CancellationToken, Task<int>> run)
    {
        var command = new Command(name, description);
        foreach (var symbol in symbols)
        {
            if (symbol is Argument argument)
            {
                command.Arguments.Add(argument);
            }
            else
            {
                command.Options.Add((Option)symbol);
            }
        }

        var json = JsonOption();
        command.Options.Add(json);
        command.SetAction((parsed, cancellationToken) =>
        {
            if (Console.IsOutputRedirected)
            {
                // Into a file or a pipe nothing is cut to the width of a screen that is not there.
                AnsiConsole.Profile.Width = RedirectedWidth;
            }

            return run(parsed, parsed.GetValue(json), cancellationToken);
        });
        return command;
    }

    /// <summary>Asks the running <c>dr-edge</c> in the middle of a command.</summary>
    public static async Task<T> AskAsync<T>(ParseResult parsed, Option<string?> control, bool json, Func<CommandContext, Task<T>> ask, CancellationToken cancellationToken)
    {
        var path = parsed.GetValue(control) ?? Environment.GetEnvironmentVariable("DR_CONTROL") ?? "/run/dr/control.sock";
        using var client = new ControlClient(Path.GetFullPath(path));
        return await ask(new CommandContext(parsed, client, json, cancellationToken));
    }

    /// <summary>What the command line says in words of its own (a size, a duration): a mistake there is wrong usage.</summary>
    public static T Parse<T>(Func<T> parse)
    {
        try
        {
            return parse();
        }
        catch (DrException exception)
        {
            throw new UsageException(exception.Message, exception.Hint);
        }
    }

    public static void PrintJson<T>(T value) => Console.Out.WriteLine(JsonSerializer.Serialize(value, ControlJson.Readable));
}

/// <summary>What a remote command works with.</summary>
internal sealed record CommandContext(ParseResult Parsed, ControlClient Client, bool Json, CancellationToken CancellationToken)
{
    public T Get<T>(Argument<T> argument) => Parsed.GetRequiredValue(argument);

    public T? Get<T>(Option<T> option) => Parsed.GetValue(option);
}
