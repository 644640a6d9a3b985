using System.Diagnostics;
using Dr.Edge.Host.Processes;

namespace Dr.EndToEnd.Tests.Commands;

/// <summary>Cuts off a command that takes a while.</summary>
internal static class Interruption
{
    private const int InterruptSignal = 2; // SIGINT

    /// <summary>Attempts before a command counts as one that cannot be caught at work.</summary>
    public const int Attempts = 6;

    /// <summary>Runs a command until what it works on has grown by <paramref name="bytes"/>, then does <paramref name="kill"/>, or presses Ctrl-C (SIGINT to the command) when that is null.</summary>
    /// <param name="progress">Bytes of what the command works on.</param>
    public static async Task<(int Status, string Output)> RunAsync(EdgeProcess edge, string[] arguments, Func<long> progress, long bytes, Func<Task>? kill)
    {
        var before = progress();
        using var command = edge.Start(arguments);
        var output = command.StandardOutput.ReadToEndAsync();
        var errors = command.StandardError.ReadToEndAsync();
        var watch = Stopwatch.StartNew();
        while (progress() < before + bytes && !command.HasExited)
        {
            watch.Elapsed.ShouldBeLessThan(TimeSpan.FromSeconds(30), $"'{string.Join(' ', arguments)}' did nothing");
            await Task.Delay(2);
        }

        // By a system call: while a program for it starts the work may be done.
        if (kill is null)
        {
            Interrupt(command);
        }
        else
        {
            await kill();
        }

        using var limit = new CancellationTokenSource(TimeSpan.FromSeconds(60));
        await command.WaitForExitAsync(limit.Token);
        return (command.ExitCode, await output + await errors);
    }

    private static void Interrupt(Process command)
    {
        if (!command.HasExited)
        {
            Signals.Send(command.Id, InterruptSignal);
        }
    }

    /// <summary>Ctrl-C, then the same command again, which goes on. On a fast disk the command may be done before it hears of the Ctrl-C: then <paramref name="again"/> makes it possible once more.</summary>
    public static async Task CancelAndRepeatAsync(EdgeProcess edge, string[] arguments, Func<long> progress, Func<long> bytes, Action? again = null)
    {
        var output = "";
        for (var attempt = 0; attempt < Attempts && !output.Contains("went on at", StringComparison.Ordinal); attempt++)
        {
            if (attempt > 0)
            {
                again?.Invoke();
            }

            var (status, said) = await RunAsync(edge, arguments, progress, bytes(), kill: null);
            (status == 0 || said.Contains("Cancelled", StringComparison.Ordinal)).ShouldBeTrue(said);
            if (status == 0 && again is not null)
            {
                continue;
            }

            output = await edge.RunAsync(arguments);
        }

        output.ShouldContain("went on at");
    }
}
