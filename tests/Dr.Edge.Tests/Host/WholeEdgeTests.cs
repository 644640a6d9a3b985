using Dr.Contracts.Errors;
using Dr.Contracts.Ids;
using Dr.Contracts.Mqtt;
using Dr.Edge.Cli;
using Dr.Edge.Host;
using Dr.Edge.Host.Quiesce;
using Dr.Edge.Hosting;
using Dr.Edge.Volumes;
using Microsoft.AspNetCore.Builder;
using Microsoft.Extensions.DependencyInjection;
using Npgsql;

namespace Dr.Edge.Tests.Host;

/// <summary>The appliance and the host role in one program: our store, our NBD server, ext4, PostgreSQL, ordered over the control socket.</summary>
[Collection(HostStandCollection.Name)]
public sealed class WholeEdgeTests : IAsyncLifetime
{
    private HostStand _stand = null!;
    private WebApplication _edge = null!;
    private ControlClient _client = null!;

    public async ValueTask InitializeAsync()
    {
        _stand = await HostStand.CreateBareAsync();
        _stand.System.Nbd = null;
        await _stand.OrNothingAsync(StartAsync);
        _edge.Services.GetRequiredService<VolumeSet>().Create("dilas", 640L << 20);
    }

    public async ValueTask DisposeAsync()
    {
        _client.Dispose();
        await _edge.StopAsync();
        await _edge.DisposeAsync();
        await _stand.DisposeAsync();
    }

    [Fact]
    public async Task A_database_is_prepared_quiesced_stopped_with_the_agent_and_found_again()
    {
        var steps = new List<string>();
        var prepared = await OrderAsync("prepare", steps);
        prepared.Health.State.ShouldBe(HealthState.Running);
        steps.ShouldContain(s => s.StartsWith("format ext4: done", StringComparison.Ordinal));
        await ExecuteAsync("create table loan (id int primary key)");
        await ExecuteAsync("insert into loan select generate_series(1, 1000)");

        await using (var window = await _edge.Services.GetRequiredService<IQuiesce>().EnterAsync("dilas", default))
        {
            window.Mark.Consistency.ShouldBe(PointConsistency.Application, window.Mark.Reason);
        }

        (await _client.GetAsync<List<SystemListing>>("systems", default)).Single().Health.State.ShouldBe(HealthState.Running);
        (await Should.ThrowAsync<DrException>(OrderAsync("start?epoch=0"))).Message.ShouldContain("epoch 1 was seen");

        // SIGTERM: the database goes down in order before its volume does.
        await _edge.StopAsync();
        (await HostStand.RunAsync("losetup", "--list")).Output.ShouldNotContain(_stand.Root);
        await _edge.DisposeAsync();
        await StartAsync();
        await WaitForAsync(HealthState.Failed);

        (await OrderAsync("start")).Health.State.ShouldBe(HealthState.Running);
        (await ScalarAsync("select count(*) from loan")).ShouldBe(1000L);
        File.ReadAllText(Path.Combine(_stand.PostgreSql.DataDirectory!, "server.log")).ShouldNotContain("not properly shut down");
    }

    [Fact]
    public async Task A_closed_gate_makes_the_volume_fail_and_what_was_committed_is_there_when_it_opens()
    {
        await OrderAsync("prepare");
        await ExecuteAsync("create table loan (id int primary key)");
        await ExecuteAsync("insert into loan values (1)");

        _edge.Services.GetRequiredService<VolumeSet>().Get("dilas").Gate.RequireLease(); // No lease was given: from now on nothing may write.
        await Should.ThrowAsync<NpgsqlException>(async () =>
        {
            for (var id = 2; id < 1000; id++)
            {
                await ExecuteAsync($"insert into loan values ({id})");
            }
        });
        await WaitForAsync(HealthState.Failed);

        await OrderAsync("stop");
        _edge.Services.GetRequiredService<VolumeSet>().Get("dilas").Gate.ExtendLease(TimeProvider.System.GetTimestamp() + (60 * TimeProvider.System.TimestampFrequency));
        (await OrderAsync("start")).Health.State.ShouldBe(HealthState.Running);
        ((long)(await ScalarAsync("select count(*) from loan"))!).ShouldBeGreaterThanOrEqualTo(1L);
    }

    private async Task StartAsync()
    {
        var config = new EdgeConfig { Data = _stand.Data, Control = Path.Combine(_stand.Root, "control.sock"), Roles = ["appliance", "host"], Systems = [_stand.System] };
        config.Nbd.Socket = Path.Combine(_stand.Root, "nbd.sock");
        Directory.CreateDirectory(_stand.Data);
        _edge = EdgeApp.Build(config);
        await _edge.StartAsync();
        _client = new ControlClient(config.ControlPath);
    }

    private async Task<HostReport> OrderAsync(string order, List<string>? steps = null) =>
        await _client.StreamAsync<HostReport>(HttpMethod.Post, $"systems/dilas/{order}", null, p => steps?.Add(p.Step!), default);

    private async Task WaitForAsync(HealthState state)
    {
        var start = TimeProvider.System.GetTimestamp();
        while ((await _client.GetAsync<List<SystemListing>>("systems", default)).Single().Health.State != state)
        {
            TimeProvider.System.GetElapsedTime(start).ShouldBeLessThan(HostStand.Patience, $"waiting for {state}");
            await Task.Delay(50);
        }
    }

    private async Task ExecuteAsync(string statement)
    {
        await using var connection = new NpgsqlConnection(_stand.Connection);
        await connection.OpenAsync();
        await using var command = new NpgsqlCommand(statement, connection);
        await command.ExecuteNonQueryAsync();
    }

    private async Task<object?> ScalarAsync(string query)
    {
        await using var connection = new NpgsqlConnection(_stand.Connection);
        await connection.OpenAsync();
        await using var command = new NpgsqlCommand(query, connection);
        return await command.ExecuteScalarAsync();
    }
}
