using Dr.Contracts.Errors;
using Dr.Contracts.Ids;
using Dr.Contracts.Mqtt;
using Dr.Edge.Host.Config;
using Dr.Edge.Host.Processes;

namespace Dr.Edge.Tests.Host.Components;

/// <summary>A system without a volume: a database stand-in and a web server that needs it, both commands.</summary>
[Collection(HostStandCollection.Name)]
public sealed class CommandDriverTests : IAsyncLifetime
{
    private HostStand _stand = null!;
    private int _port;

    private string Journal => Path.Combine(_stand.Root, "journal");

    public async ValueTask InitializeAsync()
    {
        _stand = await HostStand.CreateBareAsync();
        _port = FreePorts.Next();
        _stand.System.Mount = null;
        _stand.System.Quiesce = null;
        _stand.System.Components =
        [
            new ComponentOptions
            {
                Name = "web",
                Start = $"echo start web >> {Journal}; cd {_stand.Root} && exec python3 -m http.server --bind 127.0.0.1 {_port}",
                Check = new CheckOptions { Http = $"http://127.0.0.1:{_port}/" },
                DependsOn = ["store"],
            },
            new ComponentOptions
            {
                Name = "store",
                Start = $"echo start store >> {Journal}; trap 'echo stop store >> {Journal}; exit' TERM; cd {_stand.Root}; while :; do sleep 0.1; done",
                Check = new CheckOptions { Command = $"grep -q 'start store' {Journal}" },
            },
        ];
    }

    public ValueTask DisposeAsync() => _stand.DisposeAsync();

    [Fact]
    public async Task Components_start_in_order_of_need_and_stop_in_reverse()
    {
        var session = _stand.NewSession();
        var started = await session.StartAsync(Epoch.First, _ => { }, default);
        started.Health.State.ShouldBe(HealthState.Running);
        started.Steps.Select(s => s.Step).ShouldBe(["start store", "check store", "start web", "check web"]);
        var stopped = await session.StopAsync(Epoch.First, _ => { }, default);
        stopped.Steps.Select(s => s.Step).ShouldBe(["stop web", "stop store", "prove stopped"]);
        File.ReadAllLines(Journal).ShouldBe(["start store", "start web", "stop store"]);
    }

    [Fact]
    public async Task A_killed_agent_finds_its_components_by_their_marks()
    {
        await _stand.NewSession().StartAsync(Epoch.First, _ => { }, default);
        var next = _stand.NewSession();
        (await next.RecoverAsync(default)).Health.State.ShouldBe(HealthState.Running);
        (await next.StopAsync(Epoch.First, _ => { }, default)).Health.State.ShouldBe(HealthState.Stopped);
        ProcessTable.All().ShouldNotContain(p => ProcessTable.WorkingDirectory(p.Id) == _stand.Root);
    }

    [Fact]
    public async Task A_component_that_starts_but_does_not_answer_fails_the_start_and_is_shown()
    {
        _stand.System.Components[0].Check = new CheckOptions { Tcp = $"127.0.0.1:{FreePorts.Next()}" };
        _stand.System.Components[0].StartTimeout = TimeSpan.FromMilliseconds(500);
        var session = _stand.NewSession();
        var failed = await Should.ThrowAsync<DrException>(session.StartAsync(Epoch.First, _ => { }, default));
        failed.Message.ShouldStartWith("web was started but does not work");
        session.Health.State.ShouldBe(HealthState.Failed);
        session.Health.Components.Single(c => c.Name == "store").State.ShouldBe(HealthState.Running);
        (await session.StopAsync(Epoch.First, _ => { }, default)).Health.State.ShouldBe(HealthState.Stopped);
    }

    [Fact]
    public async Task A_component_that_ends_at_once_is_not_waited_for()
    {
        var check = new CheckOptions { Tcp = $"127.0.0.1:{FreePorts.Next()}" };
        _stand.System.Components = [new ComponentOptions { Name = "app", Start = "exit 3", StartTimeout = TimeSpan.FromMinutes(5), Check = check }];
        await Should.ThrowAsync<DrException>(_stand.NewSession().StartAsync(Epoch.First, _ => { }, default).WaitAsync(TimeSpan.FromMinutes(1)));
    }

    [Fact]
    public async Task A_hanging_service_is_degraded_first_and_failed_in_the_end()
    {
        var session = _stand.NewSession();
        await session.StartAsync(Epoch.First, _ => { }, default);
        var web = session.Drivers.Single(d => d.Options.Name == "web");
        web.Options.Check!.Timeout = TimeSpan.FromMilliseconds(200);
        web.Options.Check.FailAfter = 2;
        const int stop = 19;
        const int goOn = 18;
        foreach (var process in web.Processes())
        {
            Signals.Send(process.Id, stop);
        }

        await session.MonitorAsync(web, default);
        session.Health.State.ShouldBe(HealthState.Degraded);
        await session.MonitorAsync(web, default);
        session.Health.State.ShouldBe(HealthState.Failed);
        foreach (var process in web.Processes())
        {
            Signals.Send(process.Id, goOn);
        }

        web.Options.Check.Timeout = TimeSpan.FromSeconds(5);
        await session.MonitorAsync(web, default);
        session.Health.State.ShouldBe(HealthState.Running);
    }

    [Fact]
    public async Task A_program_in_the_background_is_known_by_its_service()
    {
        var pid = Path.Combine(_stand.Root, "pid");
        _stand.System.Components =
        [
            new ComponentOptions
            {
                Name = "web",
                Background = true,
                Start = $"cd {_stand.Root}; setsid python3 -m http.server --bind 127.0.0.1 {_port} & echo $! > {pid}",
                Stop = $"kill $(cat {pid}); while kill -0 $(cat {pid}) 2>/dev/null; do sleep 0.05; done",
                Check = new CheckOptions { Tcp = $"127.0.0.1:{_port}" },
            },
        ];
        var session = _stand.NewSession();
        (await session.StartAsync(Epoch.First, _ => { }, default)).Health.State.ShouldBe(HealthState.Running);
        (await session.StartAsync(Epoch.First, _ => { }, default)).WasSo.ShouldBeTrue();
        (await session.StopAsync(Epoch.First, _ => { }, default)).Health.State.ShouldBe(HealthState.Stopped);
        (await session.StopAsync(Epoch.First, _ => { }, default)).WasSo.ShouldBeTrue();
    }
}
