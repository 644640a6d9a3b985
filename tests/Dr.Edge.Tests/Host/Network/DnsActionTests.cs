using System.Diagnostics;
using Dr.Contracts.Errors;
using Dr.Contracts.Ids;
using Dr.Edge.Host.Config;
using Dr.Edge.Host.Network;
using Dr.Edge.Host.Processes;

namespace Dr.Edge.Tests.Host.Network;

/// <summary>A real BIND that takes updates of one zone, with a TSIG key only.</summary>
public sealed class DnsActionTests : IAsyncLifetime
{
    private readonly string _root = Directory.CreateTempSubdirectory("dr-dns-").FullName;
    private readonly int _port = FreePorts.Next();
    private ProcessMark _server;

    public async ValueTask InitializeAsync()
    {
        // BIND drops root's rights over files that are not its own.
        var key = (await RunAsync("tsig-keygen", "dr-site")).Output;
        File.WriteAllText(Path.Combine(_root, "dr.key"), key);
        File.WriteAllText(Path.Combine(_root, "wrong.key"), (await RunAsync("tsig-keygen", "dr-site")).Output);
        File.WriteAllText(Path.Combine(_root, "zone"), "$TTL 60\n@ SOA ns. admin. 1 3600 600 86400 5\n@ NS ns\nns A 127.0.0.1\n");
        File.WriteAllText(Path.Combine(_root, "named.conf"), $$"""
            {{key}}
            options { directory "{{_root}}"; listen-on port {{_port}} { 127.0.0.1; }; listen-on-v6 { none; }; pid-file none; session-keyfile none; recursion no; dnssec-validation no; };
            controls { };
            zone "library.test" { type primary; file "zone"; update-policy { grant dr-site zonesub ANY; }; };
            """);
        _server = await DetachedProgram.StartAsync("/usr/sbin/named", ["-g", "-n", "1", "-c", Path.Combine(_root, "named.conf")], Path.Combine(_root, "named.log"), default);
        (await Waiting.UntilAsync(() => File.ReadAllText(Path.Combine(_root, "named.log")).Contains("running", StringComparison.Ordinal) || !ProcessTable.IsAlive(_server), TimeSpan.FromSeconds(20), TimeProvider.System, default))
            .ShouldBeTrue("waiting for named");
        ProcessTable.IsAlive(_server).ShouldBeTrue(File.ReadAllText(Path.Combine(_root, "named.log")));
    }

    public async ValueTask DisposeAsync()
    {
        await DetachedProgram.EndAsync(_server, TimeSpan.FromSeconds(2), TimeProvider.System, default);
        Directory.Delete(_root, recursive: true);
    }

    [Fact]
    public async Task A_name_moves_between_two_sites_and_a_lower_epoch_never_takes_it_back()
    {
        var main = Action("10.1.0.1");
        var backup = Action("10.2.0.1");
        (await main.ReadAsync(default)).ShouldBeFalse();
        await main.ApplyAsync(new Epoch(1), default);
        await main.ApplyAsync(new Epoch(1), default);
        (await main.ReadAsync(default)).ShouldBeTrue();
        (await backup.ReadAsync(default)).ShouldBeFalse();

        await backup.ApplyAsync(new Epoch(2), default);
        (await ClientAsync()).ShouldBe("10.2.0.1");
        (await main.ReadAsync(default)).ShouldBeFalse();
        (await Should.ThrowAsync<FencedException>(main.ApplyAsync(new Epoch(1), default))).Message.ShouldContain("epoch 2");

        // A late order to take it away from a site that it does not lead to any more.
        await main.RemoveAsync(new Epoch(3), default);
        (await ClientAsync()).ShouldBe("10.2.0.1");
        await backup.RemoveAsync(new Epoch(3), default);
        (await ClientAsync()).ShouldBe("");

        // Both at once: the server lets the updates through one by one, and the higher one stays.
        for (var epoch = 10; epoch < 20; epoch += 2)
        {
            var lower = main.ApplyAsync(new Epoch(epoch), default);
            var higher = backup.ApplyAsync(new Epoch(epoch + 1), default);
            await Task.WhenAny(Task.WhenAll(lower, higher), Task.Delay(TimeSpan.FromSeconds(60)));
            await higher;
            (lower.IsCompletedSuccessfully || lower.Exception?.InnerException is FencedException).ShouldBeTrue();
            (await ClientAsync()).ShouldBe("10.2.0.1");
        }
    }

    [Fact]
    public async Task A_server_that_refuses_or_is_not_there_is_a_clear_error()
    {
        var refused = await Should.ThrowAsync<DrException>(Action("10.1.0.1", "wrong.key").ApplyAsync(new Epoch(1), default));
        refused.Message.ShouldContain("library.test");
        refused.Hint!.ShouldContain("update-policy");
        (await ClientAsync()).ShouldBe("");
        var options = Options("10.1.0.1", "dr.key");
        options.Server = $"127.0.0.1:{FreePorts.Next()}";
        options.Timeout = TimeSpan.FromSeconds(6);
        var watch = Stopwatch.StartNew();
        await Should.ThrowAsync<DrException>(new DnsAction(options).ReadAsync(default));
        watch.Elapsed.ShouldBeLessThan(TimeSpan.FromSeconds(19), "it has its own deadline");
    }

    private DnsAction Action(string address, string key = "dr.key") => new(Options(address, key));

    private NetworkActionOptions Options(string address, string key) => new()
    {
        Kind = NetworkActionOptions.DnsKind, Name = "dilas.library.test", Address = address, Server = $"127.0.0.1:{_port}", Key = Path.Combine(_root, key), TimeToLive = TimeSpan.FromSeconds(5), Timeout = TimeSpan.FromMinutes(1),
    };

    /// <summary>What a client is told.</summary>
    private async Task<string> ClientAsync() => (await RunAsync("dig", "@127.0.0.1", "-p", $"{_port}", "+short", "dilas.library.test", "A")).Output.Trim();

    private static async Task<ProgramResult> RunAsync(string program, params string[] arguments) => (await ProgramRunner.RunAsync(program, arguments, TimeSpan.FromSeconds(20), default)).Require($"Test: {program}");
}
