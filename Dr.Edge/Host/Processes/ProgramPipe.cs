using System.ComponentModel;
using System.Diagnostics;

namespace Dr.Edge.Host.Processes;

/// <summary>A program and its arguments.</summary>
internal sealed record ProgramCall(string Program, IReadOnlyList<string> Arguments);

/// <summary>
/// Runs two programs of which the second reads what the first writes, and counts what passes. The second sees the end of its input only after the first has ended well: what it does at the end (a commit) is never
/// done for half of the data.
/// </summary>
internal static class ProgramPipe
{
    private const int BufferBytes = 256 * 1024;

    /// <returns>Bytes that passed.</returns>
    /// <exception cref="DrException">One of them failed; the other was killed.</exception>
    public static async Task<long> RunAsync(ProgramCall from, ProgramCall to, string doing, Action<long> progress, CancellationToken cancellationToken)
    {
        using var source = Launch(from, isSource: true);
        using var sink = LaunchOrEnd(to, source);
        var sourceErrors = source.StandardError.ReadToEndAsync(cancellationToken);
        var sinkErrors = sink.StandardError.ReadToEndAsync(cancellationToken);
        try
        {
            long passed = 0;
            var sinkBroke = false;
            var buffer = new byte[BufferBytes];
            int read;
            while ((read = await source.StandardOutput.BaseStream.ReadAsync(buffer, cancellationToken)) > 0)
            {
                try
                {
                    await sink.StandardInput.BaseStream.WriteAsync(buffer.AsMemory(0, read), cancellationToken);
                }
                catch (IOException)
                {
                    sinkBroke = true;
                    break;
                }

                passed += read;
                progress(passed);
            }

            if (!sinkBroke)
            {
                await source.WaitForExitAsync(cancellationToken);
                if (source.ExitCode != 0)
                {
                    throw Failed(doing, from, source.ExitCode, await sourceErrors);
                }

                sink.StandardInput.Close();
            }

            await sink.WaitForExitAsync(cancellationToken);
            return sink.ExitCode == 0 && !sinkBroke ? passed : throw Failed(doing, to, sink.ExitCode, await sinkErrors);
        }
        finally
        {
            Kill(source);
            Kill(sink);
        }
    }

    private static DrException Failed(string doing, ProgramCall call, int status, string errors)
    {
        var words = errors.Trim().Split('\n')[^1].Trim();
        return new DrException($"{doing} failed: {call.Program} ended with status {status}{(words.Length > 0 ? $": {words}" : "")}.");
    }

    private static Process LaunchOrEnd(ProgramCall call, Process other)
    {
        try
        {
            return Launch(call, isSource: false);
        }
        catch (DrException)
        {
            Kill(other);
            throw;
        }
    }

    private static Process Launch(ProgramCall call, bool isSource)
    {
        var start = new ProcessStartInfo(call.Program)
        {
            UseShellExecute = false, RedirectStandardInput = true, RedirectStandardOutput = isSource, RedirectStandardError = true, WorkingDirectory = "/",
        };
        foreach (var argument in call.Arguments)
        {
            start.ArgumentList.Add(argument);
        }

        start.Environment["LC_ALL"] = "C";
        try
        {
            var process = Process.Start(start) ?? throw new DrException($"'{call.Program}' could not be started.");
            if (isSource)
            {
                process.StandardInput.Close();
            }

            return process;
        }
        catch (Win32Exception exception)
        {
            throw new DrException($"'{call.Program}' could not be started: {exception.Message}.", $"Install the package that brings {call.Program}.", exception);
        }
    }

    private static void Kill(Process process)
    {
        try
        {
            process.Kill(entireProcessTree: true);
        }
        catch (InvalidOperationException)
        {
            // It has ended: as it should.
        }
    }
}
