using Dr.Contracts.Errors;
using Dr.Contracts.Ids;
using Dr.Contracts.Mqtt;
using Dr.Edge.Host;
using Dr.Edge.Host.Processes;
using Npgsql;

namespace Dr.Edge.Tests.Host;

/// <summary>A PostgreSQL on ext4 on an NBD export, through every operation of the host role.</summary>
[Collection(HostStandCollection.Name)]
public sealed class HostedSystemTests(PreparedDisk prepared) : IAsyncLifetime
{
    private HostStand _stand = null!;

    public async ValueTask InitializeAsync() => _stand = await HostStand.CreateAsync(prepared);

    public ValueTask DisposeAsync() => _stand.DisposeAsync();

    [Fact]
    public async Task A_lower_epoch_than_one_that_was_seen_does_nothing()
    {
        var session = _stand.NewSession();
        await session.PrepareAsync(new Epoch(5), Ignore, default);
        await Should.ThrowAsync<FencedException>(session.StopAsync(new Epoch(4), Ignore, default));
        await Should.ThrowAsync<FencedException>(_stand.NewSession().StartAsync(new Epoch(4), Ignore, default));
        (await session.CheckAsync(Ignore, default)).Health.State.ShouldBe(HealthState.Running);
    }

    [Fact]
    public async Task What_runs_under_an_earlier_ownership_is_attached_anew_before_it_serves_again()
    {
        var session = _stand.NewSession();
        await session.PrepareAsync(Epoch.First, Ignore, default);
        var steps = (await session.StartAsync(new Epoch(2), Ignore, default)).Steps.Select(s => s.Step).ToList();
        steps.IndexOf("unmount").ShouldBeInRange(0, steps.IndexOf("attach volume"));
        session.State.StartedAt.ShouldBe(new Epoch(2));
        (await session.StartAsync(new Epoch(2), Ignore, default)).WasSo.ShouldBeTrue();
    }

    [Fact]
    public async Task An_agent_that_was_killed_finds_its_system_running_and_watches_it_again()
    {
        await _stand.NewSession().PrepareAsync(Epoch.First, Ignore, default);
        var next = _stand.NewSession();
        var found = await next.RecoverAsync(default);
        found.Steps.ShouldBeEmpty();
        found.Health.State.ShouldBe(HealthState.Running);
        next.IsMonitored.ShouldBeTrue();
        (await next.StartAsync(Epoch.First, Ignore, default)).WasSo.ShouldBeTrue();
    }

    [Fact]
    public async Task A_system_whose_volume_is_gone_is_cleaned_up_at_the_next_start_of_the_agent_and_starts_again()
    {
        await _stand.NewSession().PrepareAsync(Epoch.First, Ignore, default);
        await _stand.ExecuteAsync("create table loan (id int primary key); insert into loan values (1)");

        // An appliance with the host role: the death of the agent is also the death of the NBD server.
        await _stand.KillServerAsync();
        await _stand.StartServerAsync();

        var next = _stand.NewSession();
        var recovered = await next.RecoverAsync(default);
        recovered.Health.State.ShouldBe(HealthState.Failed, Words(recovered));
        recovered.Health.Components.ShouldContain(c => c.Detail!.Contains("lost its volume", StringComparison.Ordinal));
        File.ReadAllText("/proc/self/mountinfo").ShouldNotContain(_stand.Root);
        (await HostStand.RunAsync("losetup", "--list")).Output.ShouldNotContain(_stand.Root);

        (await next.StartAsync(Epoch.First, Ignore, default)).Health.State.ShouldBe(HealthState.Running);
        (await _stand.ScalarAsync("select count(*) from loan")).ShouldBe(1L);
    }

    [Fact]
    public async Task A_killed_client_of_the_volume_is_cleaned_up_by_the_next_start()
    {
        var session = _stand.NewSession();
        await session.PrepareAsync(Epoch.First, Ignore, default);
        foreach (var client in ProcessTable.All().Where(p => p.Name == "nbdfuse" && ProcessTable.CommandLine(p.Id).Contains(_stand.Root, StringComparison.Ordinal)))
        {
            Signals.Send(client.Id, Signals.Kill);
        }

        await session.ProbeVolumeAsync(default);
        session.Health.State.ShouldBe(HealthState.Failed);
        var started = await session.StartAsync(Epoch.First, Ignore, default);
        started.Health.State.ShouldBe(HealthState.Running, Words(started));
        started.Steps.ShouldContain(s => s.Step == "kill postgresql");
    }

    [Fact]
    public async Task A_killed_database_is_seen_within_the_period_of_its_check_and_started_again_on_order()
    {
        var session = _stand.NewSession();
        await session.PrepareAsync(Epoch.First, Ignore, default);
        var before = _stand.Changes;
        foreach (var process in session.Drivers[0].Processes())
        {
            Signals.Send(process.Id, Signals.Kill);
        }

        await Waiting.UntilAsync(() => session.Drivers[0].Processes().Count == 0, HostStand.Patience, TimeProvider.System, default);
        await session.MonitorAsync(session.Drivers[0], default); // What the monitor does every period.
        session.Health.State.ShouldBe(HealthState.Failed);
        session.Health.Components.Single(c => c.Name == "postgresql").Detail.ShouldBe("its process is gone");
        _stand.Changes.ShouldBeGreaterThan(before);

        var repaired = await session.StartAsync(Epoch.First, Ignore, default);
        repaired.Steps.Select(s => s.Step).ShouldBe(["start postgresql", "check postgresql"]);
        repaired.Health.State.ShouldBe(HealthState.Running);
    }

    [Fact]
    public async Task A_lock_file_that_names_a_living_stranger_does_not_keep_the_database_from_starting()
    {
        var session = _stand.NewSession();
        await session.PrepareAsync(Epoch.First, Ignore, default);
        foreach (var process in session.Drivers[0].Processes())
        {
            Signals.Send(process.Id, Signals.Kill);
        }

        await Waiting.UntilAsync(() => session.Drivers[0].Processes().Count == 0, HostStand.Patience, TimeProvider.System, default);
        var pidFile = Path.Combine(_stand.PostgreSql.DataDirectory!, "postmaster.pid");
        var lines = File.ReadAllLines(pidFile);
        lines[0] = $"{Environment.ProcessId}"; // As after a copy from another machine, where that id was PostgreSQL's.
        File.WriteAllLines(pidFile, lines);

        (await session.StartAsync(Epoch.First, Ignore, default)).Health.State.ShouldBe(HealthState.Running);
    }

    [Fact]
    public async Task What_was_committed_survives_the_death_of_the_database_and_of_every_cache_above_the_server()
    {
        var session = _stand.NewSession();
        await session.PrepareAsync(Epoch.First, Ignore, default);
        await _stand.ExecuteAsync("create table loan (id int primary key)");
        var flushesBefore = Flushes();
        for (var id = 1; id <= 20; id++)
        {
            await _stand.ExecuteAsync($"insert into loan values ({id})");
        }

        // Each commit is an fsync, and each fsync has to come down as a flush of its own.
        (Flushes() - flushesBefore).ShouldBeGreaterThanOrEqualTo(20);

        // Freeze what the server has now; whatever sits only in caches above is not in it.
        await _stand.KillServerAsync();
        await HostStand.RunAsync("cp", "--sparse=always", _stand.Disk, _stand.Disk + ".then");
        await session.FenceAsync(() => "test", default);
        File.Move(_stand.Disk + ".then", _stand.Disk, overwrite: true);
        await _stand.StartServerAsync();

        (await session.StartAsync(Epoch.First, Ignore, default)).Health.State.ShouldBe(HealthState.Running);
        (await _stand.ScalarAsync("select count(*) from loan")).ShouldBe(20L);
    }

    [Fact]
    public async Task A_stranger_in_the_file_system_makes_the_stop_fail_with_its_name_and_nothing_is_torn_away()
    {
        var session = _stand.NewSession();
        await session.PrepareAsync(Epoch.First, Ignore, default);
        var stranger = await DetachedProgram.StartAsync("/bin/sh", ["-c", $"cd '{_stand.System.Mount}' && exec sleep 1000"], "/dev/null", default);
        await Waiting.UntilAsync(() => ProcessTable.WorkingDirectory(stranger.Id) == _stand.System.Mount, HostStand.Patience, TimeProvider.System, default);

        var failed = await Should.ThrowAsync<DrException>(session.StopAsync(Epoch.First, Ignore, default));
        failed.Hint!.ShouldContain($"sleep ({stranger.Id})");
        await DetachedProgram.EndAsync(stranger, TimeSpan.FromSeconds(1), TimeProvider.System, default);
        (await session.StopAsync(Epoch.First, Ignore, default)).Health.State.ShouldBe(HealthState.Stopped);
    }

    private int Flushes() => File.ReadLines(_stand.ServerLog).Count(l => l.Contains("Flush", StringComparison.Ordinal) && !l.Contains("...Flush", StringComparison.Ordinal));

    private static void Ignore(string step)
    {
    }

    private static string Words(HostReport report) => string.Join(", ", report.Steps.Select(s => $"{s.Step} ({s.Detail})"));
}
