using System.Diagnostics;
using Dr.Contracts.Mqtt;
using Dr.Edge.Buffers;
using Microsoft.Extensions.Logging.Abstractions;

namespace Dr.Edge.Tests.Buffers;

/// <summary>A child process writes from several tasks and notes every answered row outside; it is killed, and every noted row must be there exactly once.</summary>
public sealed class OutboxCrashTests : IDisposable
{
    private const string ChildDirectory = "DR_OUTBOX_CHILD";
    private const int Kills = 8;
    private const int Writers = 16;

    private static readonly bool IsChild = Environment.GetEnvironmentVariable(ChildDirectory) is not null;

    // The child is killed and could not tidy up one of its own.
    private readonly string _directory = IsChild ? string.Empty : Directory.CreateTempSubdirectory("dr-outbox-crash-").FullName;

    public void Dispose()
    {
        if (!IsChild)
        {
            Directory.Delete(_directory, recursive: true);
        }
    }

    [Fact]
    public async Task Whatever_was_answered_before_a_kill_is_there_exactly_once()
    {
        var answeredBefore = 0;
        for (var kill = 0; kill < Kills; kill++)
        {
            using var child = StartChild(kill);
            await Eventually.TrueAsync("the child was answered a hundred times more", () => child.HasExited || Answered().Count >= answeredBefore + 100 + (kill * 37));
            child.HasExited.ShouldBeFalse("the child ends only by being killed");
            child.Kill();
            await child.WaitForExitAsync();

            var answered = Answered();
            var stored = await StoredAsync();
            stored.ShouldBeUnique();
            answered.Except(stored).ShouldBeEmpty();
            answeredBefore = answered.Count;
        }
    }

    /// <summary>The child: only when it is started by the test above.</summary>
    [Fact(Explicit = true)]
    public async Task Child_writes_until_it_is_killed()
    {
        if (Environment.GetEnvironmentVariable(ChildDirectory) is not { } directory)
        {
            return;
        }

        await using var buffer = await OpenAsync(directory);
        await using var log = new FileStream(Path.Combine(directory, "answered"), FileMode.Append, FileAccess.Write, FileShare.ReadWrite, bufferSize: 0);
        var run = Guid.NewGuid().ToString("N");
        var gate = new Lock();
        await Task.WhenAll(Enumerable.Range(0, Writers).Select(writer => Task.Run(async () =>
        {
            for (var i = 0; ; i++)
            {
                var key = $"{run}-{writer}-{i}";
                await buffer.AddAsync(Lane.Transactions, new DataRow { Kind = "test", Key = key, At = DateTimeOffset.UtcNow, Body = "{}" }, CancellationToken.None);
                lock (gate)
                {
                    log.Write(System.Text.Encoding.ASCII.GetBytes(key + "\n"));
                }
            }
        })));
    }

    private static async Task<EdgeBuffer> OpenAsync(string directory)
    {
        var buffer = new EdgeBuffer(new BufferOptions { Directory = directory }, "boot", TimeProvider.System, NullLogger<EdgeBuffer>.Instance);
        await buffer.OpenAsync(CancellationToken.None);
        return buffer;
    }

    private Process StartChild(int kill)
    {
        var start = new ProcessStartInfo(Environment.ProcessPath!) { RedirectStandardOutput = true, RedirectStandardError = true, UseShellExecute = false };
        if (Path.GetFileNameWithoutExtension(Environment.ProcessPath) == "dotnet")
        {
            start.ArgumentList.Add(typeof(OutboxCrashTests).Assembly.Location);
        }

        foreach (var argument in new[] { "-method", $"{typeof(OutboxCrashTests).FullName}.{nameof(Child_writes_until_it_is_killed)}", "-explicit", "only", "-noLogo" })
        {
            start.ArgumentList.Add(argument);
        }

        start.Environment[ChildDirectory] = _directory;
        var child = Process.Start(start)!;
        child.BeginOutputReadLine();
        child.BeginErrorReadLine();
        return child;
    }

    private List<string> Answered()
    {
        var path = Path.Combine(_directory, "answered");
        if (!File.Exists(path))
        {
            return [];
        }

        using var reader = new StreamReader(new FileStream(path, FileMode.Open, FileAccess.Read, FileShare.ReadWrite));
        var text = reader.ReadToEnd();
        return [.. text[..(text.LastIndexOf('\n') + 1)].Split('\n', StringSplitOptions.RemoveEmptyEntries)];
    }

    private async Task<List<string>> StoredAsync()
    {
        await using var buffer = await OpenAsync(_directory);
        buffer.SetAside.ShouldBeEmpty();
        var content = await buffer.ReadAsync(Lane.Transactions, default, 0, CancellationToken.None);
        var keys = new List<string>();
        for (var next = content.Range.First; next <= content.Range.Last;)
        {
            var rows = (await buffer.ReadAsync(Lane.Transactions, content.Stream, next, CancellationToken.None)).Rows;
            keys.AddRange(rows.Select(r => r.Key!));
            next += rows.Count;
        }

        return keys;
    }
}
