using Dr.Contracts.Ids;
using Dr.Contracts.Mqtt;
using Dr.Edge.Host;
using Dr.Edge.Host.Config;
using Dr.Edge.Host.Quiesce;
using Dr.Edge.Hosting;
using Dr.Edge.Link;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging.Abstractions;

namespace Dr.Edge.Tests.Host;

/// <summary>Orders of the control plane, and what is reported back, on a system of one plain command.</summary>
[Collection(HostStandCollection.Name)]
public sealed class HostCommandExecutorTests : IAsyncLifetime
{
    private readonly Trigger _trigger = new();
    private HostStand _stand = null!;
    private HostedSystems _systems = null!;
    private HostCommandExecutor _executor = null!;

    public async ValueTask InitializeAsync()
    {
        _stand = await HostStand.CreateBareAsync();
        _stand.System.Mount = null;
        _stand.System.Components = [new ComponentOptions { Name = "app", Start = $"cd {_stand.Root} && exec sleep 1000" }];
        var config = new EdgeConfig { Data = _stand.Data, Roles = ["host"], Systems = [_stand.System] };
        var services = new ServiceCollection().AddSingleton<IBeatTrigger>(_trigger).BuildServiceProvider();
        _systems = new HostedSystems(config, services, TimeProvider.System, NullLogger<HostedSystemSession>.Instance);
        _executor = new HostCommandExecutor(_systems, TimeProvider.System);
    }

    public async ValueTask DisposeAsync()
    {
        _systems.Dispose();
        await _stand.DisposeAsync();
    }

    [Fact]
    public async Task A_start_reports_each_step_its_evidence_and_a_beat_at_once()
    {
        var progress = new List<string>();
        var result = await _executor.ExecuteAsync(Start(3), progress.Add, default);
        result.Outcome.ShouldBe(CommandOutcome.Done);
        result.Evidence["state"].ShouldBe("Running");
        result.Evidence.Keys.ShouldBe(["state", "seconds", "start app", "check app"], ignoreOrder: true);
        result.EpochSeen.ShouldBe(new Epoch(3));
        progress.ShouldContain("start app …");
        _trigger.Count.ShouldBeGreaterThan(0);
        (await _executor.ExecuteAsync(Start(3), _ => { }, default)).Detail.ShouldBe("It ran already.");

        var draft = new BeatDraft();
        new SystemHealthContributor(_systems).Contribute(draft);
        var health = draft.Systems.ShouldHaveSingleItem();
        (health.System.Value, health.State, health.EpochSeen).ShouldBe(("dilas", HealthState.Running, new Epoch(3)));
    }

    [Fact]
    public async Task A_stop_is_answered_when_nothing_is_left_and_may_be_repeated()
    {
        await _executor.ExecuteAsync(Start(1), _ => { }, default);
        var stopped = await _executor.ExecuteAsync(Stop(2), _ => { }, default);
        stopped.Outcome.ShouldBe(CommandOutcome.Done);
        stopped.Evidence["prove stopped"].ShouldContain("no process");
        (await _executor.ExecuteAsync(Stop(2), _ => { }, default)).Detail.ShouldBe("It was stopped already.");
    }

    [Fact]
    public async Task An_order_of_an_earlier_owner_is_fenced()
    {
        await _executor.ExecuteAsync(Start(5), _ => { }, default);
        var fenced = await _executor.ExecuteAsync(Stop(4), _ => { }, default);
        (fenced.Outcome, fenced.EpochSeen).ShouldBe((CommandOutcome.Fenced, new Epoch(5)));
        (await _executor.ExecuteAsync(Check(), _ => { }, default)).Outcome.ShouldBe(CommandOutcome.Done);
    }

    [Fact]
    public async Task A_check_of_what_does_not_run_has_failed_and_says_what()
    {
        var failed = await _executor.ExecuteAsync(Check(), _ => { }, default);
        (failed.Outcome, failed.Detail).ShouldBe((CommandOutcome.Failed, "Stopped: app Stopped."));
    }

    [Fact]
    public async Task An_unknown_system_is_refused_and_a_missed_deadline_has_failed()
    {
        (await _executor.ExecuteAsync(Start(1) with { System = new SystemId("other") }, _ => { }, default)).Outcome.ShouldBe(CommandOutcome.Refused);

        _stand.System.Components[0].Check = new CheckOptions { Tcp = $"127.0.0.1:{FreePorts.Next()}" };
        var late = await _executor.ExecuteAsync(Start(1) with { Deadline = DateTimeOffset.UtcNow.AddSeconds(1) }, _ => { }, default);
        late.Outcome.ShouldBe(CommandOutcome.Failed);
        late.Detail!.ShouldContain("deadline");
    }

    [Fact]
    public async Task A_system_without_a_provider_or_not_running_gets_an_honest_mark()
    {
        var quiesce = new QuiesceService(_systems, TimeProvider.System, NullLogger<QuiesceService>.Instance);
        await using var unknown = await quiesce.EnterAsync("other", default);
        unknown.Mark.ShouldBe(QuiesceMark.Crash("no system of this machine uses the volume"));
        await using var stopped = await quiesce.EnterAsync("dilas", default);
        stopped.Mark.ShouldBe(QuiesceMark.Crash("system dilas is not running here"));
        await _executor.ExecuteAsync(Start(1), _ => { }, default);
        _stand.System.Quiesce = new QuiesceOptions { Provider = QuiesceOptions.CommandProvider, Freeze = "sleep 1000", Thaw = "true", Timeout = TimeSpan.FromSeconds(1) };
        await using var late = await quiesce.EnterAsync("dilas", default);
        late.Mark.Consistency.ShouldBe(PointConsistency.Crash);
        late.Mark.Reason.ShouldContain("within 1 s");
    }

    private static StartSystem Start(long epoch) => new() { Id = new CommandId($"{Guid.NewGuid()}"), IssuedAt = DateTimeOffset.UtcNow, Deadline = DateTimeOffset.UtcNow.AddMinutes(1), System = new SystemId("dilas"), Epoch = new Epoch(epoch) };

    private static StopSystem Stop(long epoch) => new() { Id = new CommandId($"{Guid.NewGuid()}"), IssuedAt = DateTimeOffset.UtcNow, Deadline = DateTimeOffset.UtcNow.AddMinutes(1), System = new SystemId("dilas"), Epoch = new Epoch(epoch) };

    private static CheckSystem Check() => new() { Id = new CommandId($"{Guid.NewGuid()}"), IssuedAt = DateTimeOffset.UtcNow, Deadline = DateTimeOffset.UtcNow.AddMinutes(1), System = new SystemId("dilas") };

    private sealed class Trigger : IBeatTrigger
    {
        public int Count { get; private set; }

        public void RequestBeatNow() => Count++;
    }
}
