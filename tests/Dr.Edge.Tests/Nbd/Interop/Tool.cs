using System.Diagnostics;

namespace Dr.Edge.Tests.Nbd.Interop;

/// <summary>Runs real programs. A missing one fails the test and says which package has it; nothing is skipped.</summary>
internal static class Tool
{
    private static readonly TimeSpan Limit = TimeSpan.FromSeconds(100);

    /// <summary>Standard output of a run that must succeed.</summary>
    public static async Task<string> RunAsync(string program, params string[] arguments)
    {
        var (exitCode, output, error) = await TryRunAsync(program, arguments);
        exitCode.ShouldBe(0, $"{program} {string.Join(' ', arguments)}\n{output}\n{error}");
        return output;
    }

    public static async Task<(int ExitCode, string Output, string Error)> TryRunAsync(string program, params string[] arguments)
    {
        using var process = Start(program, arguments);
        var output = process.StandardOutput.ReadToEndAsync();
        var error = process.StandardError.ReadToEndAsync();
        using var limit = new CancellationTokenSource(Limit);
        try
        {
            await process.WaitForExitAsync(limit.Token);
        }
        catch (OperationCanceledException exception)
        {
            process.Kill(entireProcessTree: true);
            throw new TimeoutException($"{program} {string.Join(' ', arguments)} was still running after {Limit}", exception);
        }

        return (process.ExitCode, await output, await error);
    }

    public static Process Start(string program, params string[] arguments)
    {
        var path = Find(program);
        path.ShouldNotBeNull($"{program} is not installed; 'tests/run.sh' installs what the tests need (nbdkit libnbd-bin python3-libnbd nbdfuse qemu-utils fio e2fsprogs xfsprogs btrfs-progs postgresql-15)");
        var start = new ProcessStartInfo(path) { UseShellExecute = false, RedirectStandardOutput = true, RedirectStandardError = true, WorkingDirectory = Path.GetTempPath() };
        foreach (var argument in arguments)
        {
            start.ArgumentList.Add(argument);
        }

        return Process.Start(start)!;
    }

    private static string? Find(string program) =>
        new[] { "/usr/bin", "/usr/sbin", "/bin", "/sbin", "/usr/lib/postgresql/15/bin" }.Select(folder => Path.Combine(folder, program)).FirstOrDefault(File.Exists);
}
