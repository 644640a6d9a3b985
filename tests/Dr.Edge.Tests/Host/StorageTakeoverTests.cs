using System.Diagnostics;
using System.Text.Json;
using Dr.Contracts.Ids;
using Dr.Edge.Host.Attach;
using Dr.Edge.Tests.Replication;
using Npgsql;

namespace Dr.Edge.Tests.Host;

/// <summary>The death of an appliance under a host that works: real processes, kill -9, a real file system and database, a synchronous copy on a second appliance.</summary>
[Collection(HostStandCollection.Name)]
public sealed class StorageTakeoverTests(ITestOutputHelper output)
{
    [Fact]
    public async Task An_appliance_that_dies_is_a_pause_whether_it_comes_back_or_its_mirror_takes_over()
    {
        HoldingClient.IsInstalled.ShouldBeTrue("'tests/run.sh' installs qemu-system-common");
        await using var first = new EdgeProcess();
        await using var second = new EdgeProcess();
        await first.StartAsync();
        await second.StartAsync();
        await first.RunAsync("volume", "create", "dilas", "--size", "640MiB");
        await using var address = new MovingAddress(first.Nbd);
        await using var stand = await HostStand.CreateBareAsync();
        stand.System.Nbd = $"tcp:{address.Address}";
        stand.System.Hold = TimeSpan.FromMinutes(1);
        var session = stand.NewSession();
        await session.PrepareAsync(Epoch.First, _ => { }, default);
        await stand.ExecuteAsync("create table loan (id int primary key)");
        var postmaster = session.Drivers[0].Processes().Min(p => p.Id);
        await first.RunAsync("copy", "add", "dilas", "--peer", second.Address, "--mode", "sync");
        await UntilMirroredAsync(first);

        await using var load = new CommitLoad(stand.Connection);
        await load.UntilAsync(100);

        // It comes back by itself.
        load.BeginPause();
        await first.KillAsync();
        await first.StartAsync();
        await load.UntilAsync(load.Committed + 100);
        output.WriteLine($"appliance killed and started again: longest wait of a commit {load.LongestPause.TotalSeconds:F1} s");
        await UntilMirroredAsync(first);

        // Its mirror takes over; it becomes the mirror when it returns.
        load.BeginPause();
        await first.KillAsync();
        await second.RunAsync("promote", "dilas", "--epoch", "2");
        await address.MoveAsync(second.Nbd);
        await second.RunAsync("copy", "add", "dilas", "--peer", first.Address, "--mode", "sync");
        await load.UntilAsync(load.Committed + 100);
        output.WriteLine($"mirror took over: longest wait of a commit {load.LongestPause.TotalSeconds:F1} s");
        await first.StartAsync();
        await UntilMirroredAsync(second);
        (await first.ShowAsync("dilas")).GetProperty("role").GetString().ShouldBe("replica", "the appliance that came back is the copy");

        // And back.
        load.BeginPause();
        await second.KillAsync();
        await first.RunAsync("promote", "dilas", "--epoch", "3");
        await address.MoveAsync(first.Nbd);
        await load.UntilAsync(load.Committed + 100);
        output.WriteLine($"and home again: longest wait of a commit {load.LongestPause.TotalSeconds:F1} s; {load.Committed} commits on one connection");

        await load.StopAsync();
        (await stand.ScalarAsync("select count(*) from loan")).ShouldBe((long)load.Committed);
        (await stand.ScalarAsync("select max(id) from loan")).ShouldBe(load.Committed);
        session.Drivers[0].Processes().Min(p => p.Id).ShouldBe(postmaster, "the database itself noticed nothing");
        await session.ProbeVolumeAsync(default);
        session.Health.State.ShouldBe(Dr.Contracts.Mqtt.HealthState.Running);
        await session.StopAsync(Epoch.First, _ => { }, default);
    }

    private static async Task UntilMirroredAsync(EdgeProcess primary)
    {
        var watch = Stopwatch.StartNew();
        while (true)
        {
            var status = await primary.RunAsync("copy", "status", "dilas", "--json");
            using var parsed = JsonDocument.Parse(status);
            if (status.Contains("\"whole\"", StringComparison.OrdinalIgnoreCase))
            {
                return;
            }

            (watch.Elapsed.TotalSeconds < 60).ShouldBeTrue($"after 60 s still waiting for the synchronous copy: {status}");
            await Task.Delay(100);
        }
    }

    /// <summary>Commits one row after the other on one connection, and counts those that were answered.</summary>
    private sealed class CommitLoad : IAsyncDisposable
    {
        private readonly string _connection;
        private readonly Task _running;
        private volatile int _committed;
        private volatile bool _stopping;
        private long _longest;

        public CommitLoad(string connection)
        {
            _connection = connection + ";Command Timeout=120";
            _running = Task.Run(RunAsync);
        }

        public int Committed => _committed;

        public TimeSpan LongestPause => TimeSpan.FromTicks(Interlocked.Read(ref _longest));

        public void BeginPause() => Interlocked.Exchange(ref _longest, 0);

        public async Task UntilAsync(int committed)
        {
            var watch = Stopwatch.StartNew();
            while (_committed < committed)
            {
                if (_running.IsCompleted)
                {
                    await _running; // Shows why it ended.
                }

                (watch.Elapsed.TotalSeconds < 90).ShouldBeTrue($"after 90 s still waiting for commit {committed}; the last one answered was {_committed}");
                await Task.Delay(20);
            }
        }

        public async Task StopAsync()
        {
            _stopping = true;
            await _running;
        }

        public async ValueTask DisposeAsync()
        {
            _stopping = true;
            await Task.WhenAny(_running, Task.Delay(TimeSpan.FromSeconds(5)));
        }

        private async Task RunAsync()
        {
            await using var connection = new NpgsqlConnection(_connection);
            await connection.OpenAsync();
            while (!_stopping)
            {
                var watch = Stopwatch.StartNew();
                await using var command = new NpgsqlCommand($"insert into loan values ({_committed + 1})", connection);
                await command.ExecuteNonQueryAsync();
                _committed++;
                if (watch.Elapsed.Ticks > Interlocked.Read(ref _longest))
                {
                    Interlocked.Exchange(ref _longest, watch.Elapsed.Ticks);
                }
            }
        }
    }
}
