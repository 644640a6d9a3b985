using Dr.Contracts.Grains;
using Dr.Contracts.Ids;
using Dr.EndToEnd.Tests.Cluster;
using Dr.Silo.Tests.Support;
using Npgsql;

namespace Dr.EndToEnd.Tests.Tls;

/// <summary>Two real silos that speak TLS to each other and, with the server's name verified, to a PostgreSQL that takes nothing else.</summary>
public sealed class TlsClusterTests : IAsyncLifetime
{
    private readonly string _folder = Directory.CreateTempSubdirectory("dr-tls-").FullName;
    private TestAuthority _silos = null!;
    private TestAuthority _databases = null!;
    private PostgresServer _server = null!;

    public async ValueTask InitializeAsync()
    {
        (_silos, _databases) = (new TestAuthority(_folder, "silos"), new TestAuthority(_folder, "databases"));
        var (certificate, key) = _databases.Issue("database");
        _server = new PostgresServer { Tls = (certificate, key, _databases.CaFile) };
        await _server.InitializeAsync();
    }

    public async ValueTask DisposeAsync()
    {
        await _server.DisposeAsync();
        _silos.Dispose();
        _databases.Dispose();
        Directory.Delete(_folder, recursive: true);
    }

    [Fact]
    public async Task A_cluster_behind_tls_takes_over_and_nobody_speaks_in_the_clear()
    {
        var postgres = await _server.CreateAsync();
        await using var cluster = await RunningCluster.StartAsync(postgres, count: 2, more: n => SiloTls(_silos, $"silo-{n}"));
        await cluster.ProtectAsync();

        await using (var connection = new NpgsqlConnection(postgres))
        {
            await connection.OpenAsync();
            await using var command = new NpgsqlCommand("select count(*) filter (where s.ssl), count(*) filter (where not s.ssl) from pg_stat_ssl s join pg_stat_activity a using (pid) where a.backend_type = 'client backend'", connection);
            await using var row = await command.ExecuteReaderAsync();
            (await row.ReadAsync()).ShouldBeTrue();
            (row.GetInt64(0) > 2, row.GetInt64(1)).ShouldBe((true, 0L));
        }

        cluster.Production.PowerOff();
        await cluster.PhaseAsync(Phase.OnTrial, TimeSpan.FromSeconds(180));
        (await cluster.SystemAsync())!.Epoch.ShouldBe(new Epoch(2));
        await cluster.JudgeAsync();
    }

    [Fact]
    public async Task A_database_that_another_authority_vouches_for_is_not_used()
    {
        using var stranger = new TestAuthority(_folder, "stranger");
        var postgres = (await _server.CreateAsync()).Replace(_databases.CaFile, stranger.CaFile, StringComparison.Ordinal);
        var config = Path.Combine(_folder, "silo.yaml");
        await File.WriteAllTextAsync(config, "sites: [{id: production}]\n");
        var (status, output) = await Repository.RunAsync(
            Repository.Program("Dr.Silo", "dr-silo"), ["run", "--postgres", postgres, "--broker", "127.0.0.1:1", "--config", config, "--http", "127.0.0.1:0"], TimeSpan.FromSeconds(60));
        status.ShouldBeGreaterThan(0, output);
        output.ShouldContain("certificate", Case.Insensitive);
    }

    private static string[] SiloTls(TestAuthority authority, string name)
    {
        var (certificate, key) = authority.Issue(name);
        return ["--silo-tls-certificate", certificate, "--silo-tls-key", key, "--silo-tls-ca", authority.CaFile];
    }
}
