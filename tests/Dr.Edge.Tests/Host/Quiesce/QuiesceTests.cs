using System.Diagnostics;
using Dr.Contracts.Errors;
using Dr.Contracts.Ids;
using Dr.Contracts.Mqtt;
using Dr.Edge.Host;
using Dr.Edge.Host.Config;
using Dr.Edge.Host.Processes;
using Dr.Edge.Host.Quiesce;
using Npgsql;

namespace Dr.Edge.Tests.Host.Quiesce;

[Collection(HostStandCollection.Name)]
public sealed class QuiesceTests(PreparedDisk prepared) : IAsyncLifetime
{
    private HostStand _stand = null!;
    private HostedSystemSession _session = null!;

    public async ValueTask InitializeAsync()
    {
        _stand = await HostStand.CreateAsync(prepared);
        _session = _stand.NewSession();
        await _stand.OrNothingAsync(() => _session.PrepareAsync(Epoch.First, _ => { }, default));
    }

    public ValueTask DisposeAsync() => _stand.DisposeAsync();

    [Fact]
    public async Task What_committed_before_a_quiesced_point_is_in_it_even_when_commits_do_not_wait_for_the_disk()
    {
        await ExecuteAsync("alter system set synchronous_commit = off; ", "alter system set wal_writer_delay = '10s'", "select pg_reload_conf()", "create table loan (id int primary key)");
        for (var id = 1; id <= 200; id++)
        {
            await ExecuteAsync($"insert into loan values ({id})");
        }

        await using (var window = await Provider().EnterAsync(default))
        {
            window.Mark.Consistency.ShouldBe(PointConsistency.Application);
            window.Mark.Reason.ShouldContain("log up to");
            await HostStand.RunAsync("cp", "--sparse=always", _stand.Disk, _stand.Disk + ".point");
        }

        await _session.FenceAsync(() => "test", default);
        await _stand.KillServerAsync();
        File.Move(_stand.Disk + ".point", _stand.Disk, overwrite: true);
        await _stand.StartServerAsync();
        await _session.StartAsync(Epoch.First, _ => { }, default);
        await using var connection = new NpgsqlConnection(_stand.Connection);
        await connection.OpenAsync();
        await using var count = new NpgsqlCommand("select count(*) from loan", connection);
        (await count.ExecuteScalarAsync()).ShouldBe(200L);
    }

    [Fact]
    public async Task A_point_gets_a_checkpoint_of_its_own_only_where_recovery_would_read_much_log()
    {
        await ExecuteAsync("checkpoint", "create table loan (id int primary key)");
        var before = await CheckpointAsync();
        await using (var few = await Provider().EnterAsync(default))
        {
            few.Mark.Reason.ShouldContain("of log after a checkpoint");
        }

        (await CheckpointAsync()).ShouldBe(before);
        await using (var much = await Provider(checkpointAboveBytes: 1).EnterAsync(default))
        {
            (much.Mark.Consistency, much.Mark.Reason).ShouldBe((PointConsistency.Application, much.Mark.Reason));
            much.Mark.Reason.ShouldContain("postgresql: checkpoint");
        }

        (await CheckpointAsync()).ShouldNotBe(before);
    }

    [Fact]
    public async Task What_a_file_has_in_memory_is_written_out_without_anybody_asking_for_a_flush()
    {
        var file = Path.Combine(_stand.System.Mount!, "file");
        await File.WriteAllBytesAsync(file, new byte[8 << 20]);
        await HostStand.RunAsync("mkfifo", Path.Combine(_stand.System.Mount!, "pipe")); // Whoever opens it waits for a writer.
        (await Task.Run(() => new WriteAhead(_stand.System.Mount!, TimeSpan.FromSeconds(10), TimeProvider.System).RunAsync(default)).WaitAsync(HostStand.Patience)).ShouldBeTrue();

        // Allocated late: a file that is not yet written out has no place on the disk.
        var where = await ProgramRunner.RunAsync("filefrag", ["-v", file], HostStand.Patience, default);
        where.Output.ShouldNotContain("delalloc");
        (await new WriteAhead(_stand.System.Mount!, TimeSpan.Zero, TimeProvider.System).RunAsync(default)).ShouldBeFalse("nothing fits into no time");
    }

    [Fact]
    public async Task A_database_that_is_not_there_gives_no_application_mark()
    {
        await _session.Drivers[0].KillAsync(default);
        await Should.ThrowAsync<DrException>(Provider().EnterAsync(default));
    }

    [Fact]
    public async Task A_frozen_file_system_lets_nothing_through_until_it_is_thawed()
    {
        var file = Path.Combine(_stand.System.Mount!, "file");
        var provider = FreezeQuiesce.OfFileSystem(_stand.System.Mount!, TimeSpan.FromSeconds(10), "/dev/null", TimeProvider.System);
        var window = await provider.EnterAsync(default);
        window.Mark.Consistency.ShouldBe(PointConsistency.Application);
        var write = ProgramRunner.RunAsync("dd", ["if=/dev/zero", $"of={file}", "bs=4096", "count=1", "conv=fsync"], HostStand.Patience, default);
        await Task.WhenAny(write, Task.Delay(TimeSpan.FromMilliseconds(500)));
        write.IsCompleted.ShouldBeFalse("a write must wait while it is frozen");
        await window.DisposeAsync();
        (await write).Succeeded.ShouldBeTrue();
        Watchdogs().ShouldBe(0);
    }

    [Fact]
    public async Task A_freeze_that_nobody_ends_is_thawed_by_the_watchdog_and_the_mark_says_so()
    {
        await HostStand.RunAsync("sync", "--file-system", _stand.System.Mount!); // Else the freeze has that to do within its second or two.
        var provider = FreezeQuiesce.OfFileSystem(_stand.System.Mount!, TimeSpan.FromSeconds(2), "/dev/null", TimeProvider.System);
        var window = await provider.EnterAsync(default); // The agent dies here: nobody disposes.
        var write = await ProgramRunner.RunAsync("touch", [Path.Combine(_stand.System.Mount!, "file")], HostStand.Patience, default);
        write.Succeeded.ShouldBeTrue();
        window.Mark.Consistency.ShouldBe(PointConsistency.Crash);
    }

    [Fact]
    public async Task A_freeze_command_that_fails_leaves_nothing_frozen_and_no_watchdog()
    {
        var thawed = Path.Combine(_stand.Root, "thawed");
        var provider = new FreezeQuiesce("command pair", "exit 1", $"touch {thawed}", TimeSpan.FromSeconds(5), "/dev/null", TimeProvider.System);
        await Should.ThrowAsync<DrException>(provider.EnterAsync(default));
        File.Exists(thawed).ShouldBeTrue();
        Watchdogs().ShouldBe(0);
    }

    [Fact]
    public async Task A_freeze_command_that_hangs_is_given_up_at_the_deadline()
    {
        var watch = Stopwatch.StartNew();
        var provider = new FreezeQuiesce("command pair", "sleep 1000", "true", TimeSpan.FromSeconds(1), "/dev/null", TimeProvider.System);
        await Should.ThrowAsync<DrException>(provider.EnterAsync(default));
        watch.Elapsed.ShouldBeLessThan(TimeSpan.FromSeconds(60), "the command itself takes a thousand");
    }

    private PostgreSqlQuiesce Provider(long checkpointAboveBytes = PostgreSqlQuiesce.ShortLogBytes) =>
        new(_session.Drivers[0].DefaultConnection!, _stand.System.Mount!, TimeSpan.FromSeconds(10), TimeProvider.System, checkpointAboveBytes);

    /// <summary>Where recovery would begin.</summary>
    private async Task<string> CheckpointAsync()
    {
        await using var connection = new NpgsqlConnection(_stand.Connection);
        await connection.OpenAsync();
        await using var redo = new NpgsqlCommand("select redo_lsn::text from pg_control_checkpoint()", connection);
        return (string)(await redo.ExecuteScalarAsync())!;
    }

    private int Watchdogs() => ProcessTable.All().Count(p => ProcessTable.CommandLine(p.Id).Contains("sleep", StringComparison.Ordinal) && ProcessTable.CommandLine(p.Id).Contains(_stand.Root, StringComparison.Ordinal));

    private async Task ExecuteAsync(params string[] statements)
    {
        await using var connection = new NpgsqlConnection(_stand.Connection);
        await connection.OpenAsync();
        foreach (var statement in statements)
        {
            await using var command = new NpgsqlCommand(statement, connection);
            await command.ExecuteNonQueryAsync();
        }
    }
}
