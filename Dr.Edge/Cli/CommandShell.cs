using System.CommandLine;
using System.Text.Json;

namespace Dr.Edge.Cli;

/// <summary>What every command shares: <c>--control</c>, <c>--json</c>, and errors as one sentence and a hint on standard error with exit status 1.</summary>
internal static class CommandShell
{
    public const int Done = 0;
    public const int Failed = 1;
    public const int WrongUsage = 2;

    public static Option<string?> ControlOption() => new("--control")
    {
        Description = "Unix socket of the running dr-edge (default: $DR_CONTROL, else /run/dr/control.sock).",
        HelpName = "PATH",
    };

    public static Option<bool> JsonOption() => new("--json") { Description = "Print JSON instead of a table." };

    /// <summary>A command that asks the running <c>dr-edge</c>; adds <c>--control</c> and <c>--json</c>.</summary>
    public static Command Remote(string name, string description, IEnumerable<Symbol> symbols, Func<CommandContext, Task<int>> run)
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

        var control = ControlOption();
        var json = JsonOption();
        command.Options.Add(control);
        command.Options.Add(json);
        command.SetAction(async (parsed, cancellationToken) =>
        {
            var path = parsed.GetValue(control) ?? Environment.GetEnvironmentVariable("DR_CONTROL") ?? "/run/dr/control.sock";
            using var client = new ControlClient(path);
            return await run(new CommandContext(parsed, client, parsed.GetValue(json), cancellationToken));
        });
        return command;
    }

    /// <summary>Parses, runs, and turns what went wrong into a sentence.</summary>
    public static async Task<int> InvokeAsync(RootCommand root, string[] args)
    {
        var parsed = root.Parse(args);
        if (parsed.Errors.Count > 0)
        {
            await Console.Error.WriteLineAsync(parsed.Errors[0].Message);
            await Console.Error.WriteLineAsync($"Hint: 'dr-edge {string.Join(' ', CommandPath(parsed))} --help' shows the usage.".Replace("  ", " ", StringComparison.Ordinal));
            return WrongUsage;
        }

        try
        {
            return await parsed.InvokeAsync(new InvocationConfiguration { EnableDefaultExceptionHandler = false });
        }
        catch (DrException exception)
        {
            await PrintErrorAsync(exception.Message, exception.Hint);
            return Failed;
        }
        catch (UsageException exception)
        {
            await PrintErrorAsync(exception.Message, exception.Hint);
            return WrongUsage;
        }
        catch (OperationCanceledException)
        {
            await PrintErrorAsync("Cancelled.", null);
            return Failed;
        }
        catch (Exception exception) // The one catch-all of the process: whatever is left is told in one sentence instead of a stack trace.
        {
            await PrintErrorAsync($"{exception.GetType().Name}: {exception.Message}", Environment.GetEnvironmentVariable("DR_DEBUG") is null ? "Set DR_DEBUG=1 to see where." : exception.StackTrace);
            return Failed;
        }
    }

    public static void PrintJson<T>(T value) => Console.Out.WriteLine(JsonSerializer.Serialize(value, ControlJson.Readable));

    private static async Task PrintErrorAsync(string message, string? hint)
    {
        await Console.Error.WriteLineAsync(message);
        if (hint is not null)
        {
            await Console.Error.WriteLineAsync($"Hint: {hint}");
        }
    }

    private static Stack<string> CommandPath(ParseResult parsed)
    {
        var path = new Stack<string>();
        for (var result = parsed.CommandResult; result is { Command: not RootCommand }; result = result.Parent as System.CommandLine.Parsing.CommandResult)
        {
            path.Push(result.Command.Name);
        }

        return path;
    }
}

/// <summary>What a remote command works with.</summary>
internal sealed record CommandContext(ParseResult Parsed, ControlClient Client, bool Json, CancellationToken CancellationToken)
{
    public T Get<T>(Argument<T> argument) => Parsed.GetRequiredValue(argument);

    public T? Get<T>(Option<T> option) => Parsed.GetValue(option);
}

/// <summary>The command line itself is wrong: exit status 2.</summary>
internal sealed class UsageException(string message, string? hint = null) : Exception(message)
{
    public string? Hint { get; } = hint;
}
