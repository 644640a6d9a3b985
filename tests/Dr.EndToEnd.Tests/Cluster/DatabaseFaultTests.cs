using System.Diagnostics;
using Dr.Silo.Tests.Support;
using Npgsql;

namespace Dr.EndToEnd.Tests.Cluster;

/// <summary>The database of a running cluster goes away and comes back, or its standby takes over.</summary>
[Collection(ClusterCollection.Name)]
public sealed class DatabaseFaultTests(ITestOutputHelper output) : IAsyncLifetime
{
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(90);

    private readonly PostgresServer _server = new();

    public ValueTask InitializeAsync() => _server.InitializeAsync();

    public ValueTask DisposeAsync() => _server.DisposeAsync();

    [Fact]
    public async Task A_database_that_is_restarted_is_waited_for_and_one_that_fails_over_to_its_standby_is_followed()
    {
        await using var standby = await _server.StandbyAsync("standby");
        await SynchronousAsync(_server);
        var database = new NpgsqlConnectionStringBuilder(await _server.CreateAsync()) { Host = $"127.0.0.1:{_server.Port},127.0.0.1:{standby.Port}" }.ToString();
        await using var cluster = await RunningCluster.StartAsync(database, count: 2);
        await cluster.ProtectAsync();

        // Restarted: nobody can store anything meanwhile, so nobody has a reason to leave.
        await _server.StopAsync();
        await cluster.UntilAsync("the silos to notice", () => Task.FromResult(cluster.Silos.TrueForAll(s => s.Logged("did not answer"))), Patience);
        await _server.StartAsync();
        Report("database restarted", await cluster.AnswersAgainAsync(cluster.Silos[0], Patience));
        cluster.Silos.ShouldAllBe(s => s.IsRunning);

        // Failed over: what was committed is there, because the standby had it before anybody was told.
        await _server.StopAsync();
        var watch = Stopwatch.StartNew();
        await standby.PromoteAsync();
        Report("standby promoted", watch.Elapsed);
        Report("database failed over", await cluster.AnswersAgainAsync(cluster.Silos[1], Patience));
        cluster.Silos.ShouldAllBe(s => s.IsRunning);
        await cluster.JudgeAsync();
    }

    /// <summary>From now on a commit is told only when the standby has it; without that a failover may forget the last ones.</summary>
    private static async Task SynchronousAsync(PostgresServer server)
    {
        await using var connection = new NpgsqlConnection(server.ConnectionTo("postgres"));
        await connection.OpenAsync();
        foreach (var sql in new[] { "alter system set synchronous_standby_names = 'standby'", "select pg_reload_conf()" })
        {
            await using var command = new NpgsqlCommand(sql, connection);
            await command.ExecuteNonQueryAsync();
        }
    }

    private void Report(string what, TimeSpan took) => output.WriteLine($"{what}: {took.TotalSeconds:0.0} s");
}
