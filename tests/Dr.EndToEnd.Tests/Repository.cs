using System.Diagnostics;

namespace Dr.EndToEnd.Tests;

/// <summary>The repository that this test was built from, and its programs.</summary>
internal static class Repository
{
    public static string Root { get; } = FindRoot();

    /// <summary>Debug or Release: the tests drive the programs that were built with them.</summary>
    public static string Configuration { get; } = AppContext.BaseDirectory.Contains($"{Path.DirectorySeparatorChar}Release{Path.DirectorySeparatorChar}", StringComparison.Ordinal) ? "Release" : "Debug";

    public static string Program(string project, string name) => Path.Combine(Root, project, "bin", Configuration, "net10.0", name);

    /// <summary>Runs a program to its end, everything it prints in one text; it and its children are killed after <paramref name="limit"/>.</summary>
    public static async Task<(int Status, string Output)> RunAsync(string program, IEnumerable<string> arguments, TimeSpan limit)
    {
        var start = new ProcessStartInfo(program) { WorkingDirectory = Root, RedirectStandardOutput = true, RedirectStandardError = true, RedirectStandardInput = true, UseShellExecute = false };
        foreach (var argument in arguments)
        {
            start.ArgumentList.Add(argument);
        }

        using var process = Process.Start(start)!;
        process.StandardInput.Close();
        var output = process.StandardOutput.ReadToEndAsync();
        var errors = process.StandardError.ReadToEndAsync();
        using var deadline = new CancellationTokenSource(limit);
        try
        {
            await process.WaitForExitAsync(deadline.Token);
        }
        catch (OperationCanceledException)
        {
            // SIGTERM first: the quick start cleans up after itself.
            using (var term = Process.Start("kill", ["-TERM", process.Id.ToString(System.Globalization.CultureInfo.InvariantCulture)]))
            {
                await term.WaitForExitAsync();
            }

            using var patience = new CancellationTokenSource(TimeSpan.FromSeconds(30));
            await process.WaitForExitAsync(patience.Token).ContinueWith(_ => process.Kill(entireProcessTree: true), TaskScheduler.Default);
            return (-1, $"{await output}\n{await errors}\n{program} did not end within {limit}.");
        }

        return (process.ExitCode, await output + await errors);
    }

    private static string FindRoot()
    {
        for (var folder = new DirectoryInfo(AppContext.BaseDirectory); folder is not null; folder = folder.Parent)
        {
            if (File.Exists(Path.Combine(folder.FullName, "Dr.slnx")))
            {
                return folder.FullName;
            }
        }

        throw new InvalidOperationException("Dr.slnx is not above the test's folder: run the tests from the repository.");
    }
}
