using Dr.Contracts.Errors;
using Dr.Contracts.Ids;
using Dr.Contracts.Mqtt;
using Dr.Edge.Host.Processes;
using Npgsql;

namespace Dr.Edge.Tests.Host;

[Collection(HostStandCollection.Name)]
public sealed class EmptyVolumeTests : IAsyncLifetime
{
    private HostStand _stand = null!;

    public async ValueTask InitializeAsync() => _stand = await HostStand.CreateAsync();

    public ValueTask DisposeAsync() => _stand.DisposeAsync();

    [Fact]
    public async Task An_empty_volume_is_prepared_once_and_then_started_and_stopped_any_number_of_times()
    {
        var session = _stand.NewSession();
        var prepared = await session.PrepareAsync(Epoch.First, Ignore, default);
        prepared.Steps.Select(s => s.Step).ShouldBe(
            ["attach volume", "make block device", "format ext4", "check file system", "mount", "prepare postgresql", "start postgresql", "check postgresql"]);
        prepared.Health.State.ShouldBe(HealthState.Running);
        await _stand.ExecuteAsync("create table loan (id int primary key); insert into loan values (1)");

        (await session.StartAsync(Epoch.First, Ignore, default)).WasSo.ShouldBeTrue();
        (await session.PrepareAsync(Epoch.First, Ignore, default)).Steps.ShouldNotContain(s => s.Step.StartsWith("format", StringComparison.Ordinal));

        var stopped = await session.StopAsync(Epoch.First, Ignore, default);
        stopped.Steps.Select(s => s.Step).ShouldBe(["stop postgresql", "unmount", "detach block device", "detach volume", "prove stopped"]);
        stopped.Health.State.ShouldBe(HealthState.Stopped);
        (await session.StopAsync(Epoch.First, Ignore, default)).WasSo.ShouldBeTrue();
        (await HostStand.RunAsync("losetup", "--list")).Output.ShouldNotContain(_stand.Root);
        File.ReadAllText("/proc/self/mountinfo").ShouldNotContain(_stand.Root);

        var again = await session.StartAsync(Epoch.First, Ignore, default);
        again.Health.State.ShouldBe(HealthState.Running);
        (await _stand.ScalarAsync("select count(*) from loan")).ShouldBe(1L);
    }

    [Fact]
    public async Task A_volume_that_holds_something_else_is_never_formatted()
    {
        await using (var disk = File.OpenWrite(_stand.Disk))
        {
            disk.Position = 2_000_000;
            disk.WriteByte(1);
        }

        var refused = await Should.ThrowAsync<DrException>(_stand.NewSession().PrepareAsync(Epoch.First, Ignore, default));
        refused.Message.ShouldContain("not empty");

        await HostStand.RunAsync("mkfs.xfs", "-q", _stand.Disk);
        var other = await Should.ThrowAsync<DrException>(_stand.NewSession().PrepareAsync(Epoch.First, Ignore, default));
        other.Message.ShouldContain("it holds xfs");
    }

    [Theory]
    [InlineData("xfs")]
    [InlineData("btrfs")]
    public async Task Other_file_systems_are_made_checked_and_mounted_also_after_an_unclean_end(string fileSystem)
    {
        _stand.System.FileSystem = fileSystem;
        _stand.System.Components = [];
        _stand.System.Quiesce = null;
        await HostStand.RunAsync("truncate", "-s", "1G", _stand.Disk);
        await _stand.KillServerAsync();
        await _stand.StartServerAsync();
        var session = _stand.NewSession();
        await session.PrepareAsync(Epoch.First, Ignore, default);
        await HostStand.RunAsync("dd", "if=/dev/urandom", $"of={_stand.System.Mount}/file", "bs=1M", "count=4", "conv=fsync");
        await HostStand.RunAsync("cp", "--sparse=always", _stand.Disk, _stand.Disk + ".then");
        var digest = (await HostStand.RunAsync("sha256sum", $"{_stand.System.Mount}/file")).Output;

        await session.FenceAsync(() => "test", default);
        await _stand.KillServerAsync();
        File.Move(_stand.Disk + ".then", _stand.Disk, overwrite: true);
        await _stand.StartServerAsync();
        (await session.StartAsync(Epoch.First, Ignore, default)).Steps.ShouldContain(s => s.Step == "check file system" && s.Detail!.StartsWith($"{fileSystem} sound", StringComparison.Ordinal));
        (await HostStand.RunAsync("sha256sum", $"{_stand.System.Mount}/file")).Output.ShouldBe(digest);
    }

    [Fact]
    public async Task A_damaged_file_system_is_not_mounted()
    {
        _stand.System.Components = [];
        _stand.System.Quiesce = null;
        var session = _stand.NewSession();
        await session.PrepareAsync(Epoch.First, Ignore, default);
        await session.StopAsync(Epoch.First, Ignore, default);
        await HostStand.RunAsync("debugfs", "-w", "-R", "clri <2>", _stand.Disk);

        // The journal says "clean", so the superblock has to ask for the full check that finds it.
        await HostStand.RunAsync("tune2fs", "-C", "100", "-c", "1", _stand.Disk);
        var refused = await Should.ThrowAsync<DrException>(session.StartAsync(Epoch.First, Ignore, default));
        refused.Message.ShouldContain("damaged");
        File.ReadAllText("/proc/self/mountinfo").ShouldNotContain($" {_stand.System.Mount} ");
    }

    [Fact]
    public async Task A_stop_is_not_called_proven_while_another_mount_namespace_still_has_the_file_system()
    {
        _stand.System.Components = [];
        _stand.System.Quiesce = null;
        var session = _stand.NewSession();
        await session.PrepareAsync(Epoch.First, Ignore, default);
        var other = await DetachedProgram.StartAsync("unshare", ["--mount", "--propagation", "private", "sleep", "1000"], "/dev/null", default);
        await Waiting.UntilAsync(() => ProcessTable.CommandLine(other.Id).StartsWith("sleep", StringComparison.Ordinal), HostStand.Patience, TimeProvider.System, default);

        var failed = await Should.ThrowAsync<DrException>(session.StopAsync(Epoch.First, Ignore, default));
        failed.Hint!.ShouldContain($"sleep ({other.Id})");
        await DetachedProgram.EndAsync(other, TimeSpan.FromSeconds(1), TimeProvider.System, default);
        (await session.StopAsync(Epoch.First, Ignore, default)).Health.State.ShouldBe(HealthState.Stopped);
    }

    private static void Ignore(string step)
    {
    }

}
