using System.ComponentModel;
using System.Diagnostics;

namespace Dr.Edge.Host.Processes;

/// <summary>Runs a program to its end, with a deadline. What outlives the deadline is killed with its children.</summary>
internal static class ProgramRunner
{
    private const int KeptCharacters = 16 * 1024;

    /// <exception cref="DrException">The program is not installed, or did not end in time.</exception>
    public static async Task<ProgramResult> RunAsync(string program, IReadOnlyList<string> arguments, TimeSpan timeout, CancellationToken cancellationToken)
    {
        var start = new ProcessStartInfo(program) { UseShellExecute = false, RedirectStandardInput = true, RedirectStandardOutput = true, RedirectStandardError = true, WorkingDirectory = "/" };
        foreach (var argument in arguments)
        {
            start.ArgumentList.Add(argument);
        }

        start.Environment["LC_ALL"] = "C";

        // A service manager may start the agent without the directories that hold mount, losetup and their like.
        start.Environment["PATH"] = Environment.GetEnvironmentVariable("PATH") + ":/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";
        var command = string.Join(' ', arguments.Prepend(program));
        using var process = Launch(start, command);
        process.StandardInput.Close();
        using var deadline = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        deadline.CancelAfter(timeout);
        try
        {
            var output = process.StandardOutput.ReadToEndAsync(deadline.Token);
            var errors = process.StandardError.ReadToEndAsync(deadline.Token);
            await process.WaitForExitAsync(deadline.Token);
            return new ProgramResult(command, process.ExitCode, Tail(await output), Tail(await errors));
        }
        catch (OperationCanceledException)
        {
            process.Kill(entireProcessTree: true);
            cancellationToken.ThrowIfCancellationRequested();
            throw new DrException($"'{command}' did not end within {timeout.TotalSeconds:0.#} s and was killed.", "See what it waits for: a device or server that does not answer.", isTransient: true);
        }
    }

    /// <summary>The same for a command line of the operator, through the shell.</summary>
    public static Task<ProgramResult> ShellAsync(string commandLine, OsUser user, TimeSpan timeout, CancellationToken cancellationToken)
    {
        var (program, arguments) = user.Wrap("/bin/sh", ["-c", commandLine]);
        return RunAsync(program, arguments, timeout, cancellationToken);
    }

    private static Process Launch(ProcessStartInfo start, string command)
    {
        try
        {
            return Process.Start(start) ?? throw new DrException($"'{command}' could not be started.");
        }
        catch (Win32Exception exception)
        {
            throw new DrException($"'{command}' could not be started: {exception.Message}.", $"Install the package that brings {start.FileName}, or correct the path.", exception);
        }
    }

    private static string Tail(string text) => text.Length <= KeptCharacters ? text : text[^KeptCharacters..];
}
