using System.ComponentModel;
using System.Diagnostics;

namespace Dr.Simulator.Live.World;

/// <summary>Programs of the operating system that the live world is made with.</summary>
internal static class Tool
{
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(60);

    /// <summary>Runs it to its end; what it printed.</summary>
    /// <exception cref="DrException">It failed; says what it said.</exception>
    public static async Task<string> RunAsync(string program, params string[] arguments)
    {
        var (status, output) = await TryAsync(program, arguments);
        return status == 0 ? output : throw new DrException($"{program} {string.Join(' ', arguments)} ended with {status}: {output.Trim()}", "dr-sim live needs root, network namespaces, loop devices and the packages of deploy/prerequisites.sh test.");
    }

    /// <summary>Runs it to its end, however that is; it is killed after a minute or when <paramref name="limit"/> is over.</summary>
    /// <exception cref="DrException">It is not there.</exception>
    public static async Task<(int Status, string Output)> TryAsync(string program, string[] arguments, TimeSpan? limit = null)
    {
        var start = new ProcessStartInfo(program, arguments) { RedirectStandardOutput = true, RedirectStandardError = true, RedirectStandardInput = true, UseShellExecute = false };
        try
        {
            using var process = Process.Start(start)!;
            process.StandardInput.Close();
            var (output, errors) = (process.StandardOutput.ReadToEndAsync(), process.StandardError.ReadToEndAsync());
            using var patience = new CancellationTokenSource(limit ?? Patience);
            try
            {
                await process.WaitForExitAsync(patience.Token);
            }
            catch (OperationCanceledException)
            {
                process.Kill(entireProcessTree: true);
                return (-1, $"did not end in time: {await output}{await errors}");
            }

            return (process.ExitCode, await output + await errors);
        }
        catch (Win32Exception exception)
        {
            throw new DrException($"{program} cannot be run: {exception.Message}", "deploy/prerequisites.sh test installs what the live world needs.");
        }
    }
}
