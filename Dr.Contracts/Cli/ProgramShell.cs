using System.CommandLine;
using System.CommandLine.Parsing;
using Dr.Contracts.Errors;

namespace Dr.Contracts.Cli;

/// <summary>How every program of ours ends: 0 done, 1 refused or failed, 2 wrong usage or configuration; errors are one sentence and a hint on standard error.</summary>
public static class ProgramShell
{
    public const int Done = 0;
    public const int Failed = 1;
    public const int WrongUsage = 2;

    /// <summary>After SIGTERM or Ctrl-C a command may finish what it has in hand: flush volumes, answer clients, write the last line of a ledger. The default of 2 s cuts that off on a busy machine.</summary>
    public static readonly TimeSpan StopLimit = TimeSpan.FromSeconds(60);

    /// <summary>Parses, runs, and turns what went wrong into a sentence. <c>DR_DEBUG=1</c> adds where.</summary>
    public static async Task<int> InvokeAsync(RootCommand root, string[] args, string program)
    {
        ArgumentNullException.ThrowIfNull(root);
        // An argument that begins with '@' is an argument, not a file of arguments.
        var parsed = root.Parse(args, new ParserConfiguration { ResponseFileTokenReplacer = null });
        if (parsed.Errors.Count > 0)
        {
            var path = string.Join(' ', CommandPath(parsed).Prepend(program));
            return Fail(parsed.Errors[0].Message, $"'{path} --help' shows the usage.", WrongUsage);
        }

        try
        {
            return await parsed.InvokeAsync(new InvocationConfiguration { EnableDefaultExceptionHandler = false, ProcessTerminationTimeout = StopLimit });
        }
        catch (ConfigurationException exception)
        {
            return Fail(exception.Message, exception.Hint, WrongUsage);
        }
        catch (DrException exception)
        {
            return Fail(exception.Message, exception.Hint, Failed);
        }
        catch (UsageException exception)
        {
            return Fail(exception.Message, exception.Hint, WrongUsage);
        }
        catch (OperationCanceledException)
        {
            return Fail("Cancelled.", null, Failed);
        }
        catch (Exception exception) // The one catch-all of the process: whatever is left is told in one sentence instead of a stack trace.
        {
            var debug = Environment.GetEnvironmentVariable("DR_DEBUG") is not null;
            return Fail($"{exception.GetType().Name}: {exception.Message}", debug ? exception.ToString() : "Set DR_DEBUG=1 to see where.", Failed);
        }
    }

    private static int Fail(string message, string? hint, int status)
    {
        Console.Error.WriteLine(message);
        if (hint is not null)
        {
            Console.Error.WriteLine($"Hint: {hint}");
        }

        return status;
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

/// <summary>The command line itself is wrong: exit status 2.</summary>
public sealed class UsageException(string message, string? hint = null) : Exception(message)
{
    public string? Hint { get; } = hint;
}
