using System.Globalization;
using Dr.Contracts.Ids;
using Dr.Contracts.Mqtt;
using Dr.Edge.Host;
using Dr.Edge.Host.Quiesce;
using MySqlConnector;

namespace Dr.Edge.Tests.Host.Quiesce;

/// <summary>A real MariaDB on a volume of its own.</summary>
[Collection(HostStandCollection.Name)]
public sealed class MariaDbQuiesceTests(PreparedMariaDbDisk prepared) : IAsyncLifetime
{
    private HostStand _stand = null!;
    private HostedSystemSession _session = null!;

    private string Connection => _session.Drivers[0].DefaultConnection!;

    public async ValueTask InitializeAsync()
    {
        _stand = await HostStand.CreateAsync(prepared);
        _session = _stand.NewSession();
        await _stand.OrNothingAsync(() => _session.StartAsync(Epoch.First, _ => { }, default));
    }

    public ValueTask DisposeAsync() => _stand.DisposeAsync();

    [Fact]
    public async Task What_committed_before_a_quiesced_point_is_in_it_and_nobody_commits_while_it_is_taken()
    {
        await ExecuteAsync("set global innodb_flush_log_at_trx_commit = 0"); // Commits answer before the log is on the disk.
        await ExecuteAsync("create database library");
        await ExecuteAsync("create table library.loan (id int primary key) engine = innodb");
        await ExecuteAsync("create table library.visit (id int primary key) engine = myisam");
        for (var id = 1; id <= 100; id++)
        {
            await ExecuteAsync($"insert into library.loan values ({id})");
        }

        await ExecuteAsync("insert into library.visit values (1)");
        Task late;
        await using (var window = await new MariaDbQuiesce(Connection, _stand.System.Mount!, TimeSpan.FromSeconds(10), TimeProvider.System).EnterAsync(default))
        {
            window.Mark.Consistency.ShouldBe(PointConsistency.Application);
            late = ExecuteAsync("insert into library.loan values (1000)");
            await Task.WhenAny(late, Task.Delay(TimeSpan.FromMilliseconds(300)));
            late.IsCompleted.ShouldBeFalse("a commit must wait while the point is taken");
            await HostStand.RunAsync("cp", "--sparse=always", _stand.Disk, _stand.Disk + ".point");
        }

        await late.WaitAsync(HostStand.Patience);
        await _session.FenceAsync(() => "test", default);
        await _stand.KillServerAsync();
        File.Move(_stand.Disk + ".point", _stand.Disk, overwrite: true);
        await _stand.StartServerAsync();
        await _session.StartAsync(Epoch.First, _ => { }, default);
        (await ScalarAsync("select count(*) from library.loan")).ShouldBe(100L);
        (await ScalarAsync("select count(*) from library.visit")).ShouldBe(1L);
    }

    [Fact]
    public async Task A_lock_that_nobody_ends_is_ended_by_the_server_and_the_mark_says_so()
    {
        await ExecuteAsync("create database library");
        await ExecuteAsync("create table library.loan (id int primary key) engine = innodb");
        await HostStand.RunAsync("sync", "--file-system", _stand.System.Mount!); // Else the window has that to do within its second or two.
        var window = await new MariaDbQuiesce(Connection, _stand.System.Mount!, TimeSpan.FromSeconds(2), TimeProvider.System).EnterAsync(default); // The agent hangs here.
        await ExecuteAsync("insert into library.loan values (1)").WaitAsync(TimeSpan.FromSeconds(30));
        window.Mark.Consistency.ShouldBe(PointConsistency.Crash);
        window.Mark.Reason.ShouldContain("2 s");
        await window.DisposeAsync();
    }

    [Fact]
    public async Task A_writer_that_does_not_end_makes_the_window_give_up_at_its_deadline_and_leaves_no_lock()
    {
        Assert.SkipUnless(Environment.GetEnvironmentVariable("DR_HOST_LONG") == "1", "DR_HOST_LONG=1 runs it (4 s)");
        await ExecuteAsync("create database library");
        await ExecuteAsync("create table library.visit (id int primary key) engine = myisam");
        var writer = ExecuteAsync("insert into library.visit select sleep(3)");
        await Task.Delay(TimeSpan.FromMilliseconds(200));
        using var deadline = new CancellationTokenSource(TimeSpan.FromMilliseconds(700)); // As the service holds a provider to its deadline.
        await Should.ThrowAsync<OperationCanceledException>(new MariaDbQuiesce(Connection, _stand.System.Mount!, TimeSpan.FromSeconds(1), TimeProvider.System).EnterAsync(deadline.Token));
        await writer.WaitAsync(HostStand.Patience);
        await ExecuteAsync("insert into library.visit values (7)").WaitAsync(TimeSpan.FromSeconds(5));
    }

    private async Task ExecuteAsync(string statement)
    {
        await using var connection = new MySqlConnection(Connection);
        await connection.OpenAsync();
        await using var command = new MySqlCommand(statement, connection);
        await command.ExecuteNonQueryAsync();
    }

    private async Task<long> ScalarAsync(string query)
    {
        await using var connection = new MySqlConnection(Connection);
        await connection.OpenAsync();
        await using var command = new MySqlCommand(query, connection);
        return Convert.ToInt64(await command.ExecuteScalarAsync(), CultureInfo.InvariantCulture);
    }
}
