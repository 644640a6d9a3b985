using System.Diagnostics;
using System.Runtime.Versioning;
using System.Text.Json;
using Dr.EndToEnd.Tests.WebConsole;

namespace Dr.EndToEnd.Tests.Commands;

/// <summary>The admin API from the command line, as processes against a running silo: tables, JSON, exit status, and errors that say what to do.</summary>
[UnsupportedOSPlatform("windows")]
public sealed class SiloCommandTests : IAsyncLifetime
{
    private readonly string _folder = Directory.CreateTempSubdirectory("dr-commands-").FullName;
    private RunningSilo _silo = null!;
    private string? _tokenFile;

    public async ValueTask InitializeAsync() => _silo = await RunningSilo.StartAsync(ScriptedLibrary.Config);

    public async ValueTask DisposeAsync()
    {
        await _silo.DisposeAsync();
        Directory.Delete(_folder, recursive: true);
    }

    [Fact]
    public async Task From_this_machine_alone_to_users_with_tokens()
    {
        // Nobody has to sign in on this machine before the first user exists.
        JsonDocument.Parse((await RunAsync(0, null, "systems", "--json")).Out).RootElement[0].GetProperty("id").GetString().ShouldBe("dilas");
        (await RunAsync(0, null, "devices", "--role", "host")).Out.ShouldContain("prod-1");
        (await RunAsync(1, null, "systems", "show", "none")).Error.ShouldContain("There is no system 'none'.");
        (await RunAsync(1, null, "runs", "--state", "odd")).Error.ShouldContain("is not a state of a run");
        (await RunAsync(2, null, "alerts", "ack", "x", "--reason", "y")).Error.ShouldContain("--for");
        (await RunAsync(1, null, "move", "dilas", "--reason", "test")).Error.ShouldContain("unmet:");
        (await RunAsync(0, null, "audit", "--action", "api.StartRun")).Out.ShouldContain("412");
        (await RunAsync(0, null, "audit", "verify")).Out.ShouldContain("Every entry fits");
        (await RunAsync(0, null, "alerts", "silence", "--kind", "ClockSkew", "--for", "1h", "--reason", "test")).Out.ShouldContain("Silence");
        (await RunAsync(0, null, "alerts", "silences", "--json")).Out.ShouldContain("ClockSkew");

        (await RunAsync(0, "correct horse battery\n", "users", "first", "ann", "--password-file", "-")).Out.ShouldContain("administrator");
        (await RunAsync(1, null, "systems")).Error.ShouldContain("Nobody is signed in.");

        _tokenFile = Path.Combine(_folder, "token");
        await RunAsync(0, "correct horse battery\n", "login", "ann", "--password-file", "-", "--save", _tokenFile);
        File.GetUnixFileMode(_tokenFile).ShouldBe(UnixFileMode.UserRead | UnixFileMode.UserWrite);
        (await RunAsync(0, null, "users")).Out.ShouldContain("ann");
        (await RunAsync(0, null, "users", "add", "bob", "--role", "viewer")).Out.ShouldContain("bob is viewer");
        var token = (await RunAsync(0, null, "tokens", "create", "--user", "bob", "--expires", "1d")).Out.Trim();

        File.SetUnixFileMode(_tokenFile, UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.OtherRead);
        (await RunAsync(1, null, "systems")).Error.ShouldContain("can be read by others");
        _tokenFile = Path.Combine(_folder, "bob");
        await File.WriteAllTextAsync(_tokenFile, token);
        File.SetUnixFileMode(_tokenFile, UnixFileMode.UserRead | UnixFileMode.UserWrite);
        await RunAsync(0, null, "systems");
        (await RunAsync(1, null, "failover", "dilas", "--reason", "test")).Error.ShouldContain("It takes the role");
    }

    private async Task<(string Out, string Error)> RunAsync(int status, string? input, params string[] arguments)
    {
        string[] all = [.. arguments, "--server", $"127.0.0.1:{_silo.HttpPort}"];
        var start = new ProcessStartInfo(Repository.Program("Dr.Silo", "dr-silo"), all) { RedirectStandardInput = true, RedirectStandardOutput = true, RedirectStandardError = true, UseShellExecute = false };
        start.Environment["DR_SILO_TOKEN_FILE"] = _tokenFile ?? Path.Combine(_folder, "none");
        using var process = Process.Start(start)!;
        await process.StandardInput.WriteAsync(input ?? "");
        process.StandardInput.Close();
        var (output, error) = (process.StandardOutput.ReadToEndAsync(), process.StandardError.ReadToEndAsync());
        await process.WaitForExitAsync(new CancellationTokenSource(TimeSpan.FromSeconds(60)).Token);
        process.ExitCode.ShouldBe(status, $"dr-silo {string.Join(' ', arguments)}\n{await output}\n{await error}");
        return (await output, await error);
    }
}
