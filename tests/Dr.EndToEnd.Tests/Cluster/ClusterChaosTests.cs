using System.Diagnostics;
using System.Globalization;
using Dr.Contracts.Grains;
using Dr.Contracts.Ids;
using Dr.Silo.Tests.Support;

namespace Dr.EndToEnd.Tests.Cluster;

/// <summary>
/// Whole takeovers and failbacks while silos, their lines to the database or the database itself are done harm to. <c>DR_SILO_CHAINS=1</c> runs them, about a minute and a half each;
/// <c>DR_SILO_SEEDS</c> (for example <c>11,12,13</c>) names other seeds.
/// </summary>
[Collection(ClusterCollection.Name)]
public sealed class ClusterChaosTests(PostgresServer server, ITestOutputHelper output)
{
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(120);

    private static bool IsOn => Environment.GetEnvironmentVariable("DR_SILO_CHAINS") == "1";

    public static TheoryData<int> Seeds => [.. (Environment.GetEnvironmentVariable("DR_SILO_SEEDS") ?? "1,2,3").Split(',').Select(s => int.Parse(s, CultureInfo.InvariantCulture))];

    private enum Harm
    {
        KillTheLeader,
        KillAnother,
        FreezeTheLeader,
        CutTheLeadersLine,
        SilenceTheLeadersLine,
        RestartTheDatabase,
    }

    [Theory]
    [MemberData(nameof(Seeds))]
    public async Task A_takeover_and_the_way_home_go_on_whatever_happens_to_a_silo_or_the_database(int seed)
    {
        Assert.SkipUnless(IsOn, "DR_SILO_CHAINS=1 runs whole takeovers under faults of the cluster (about 90 s each)");
        var random = new Random(seed);
        await using var cluster = await RunningCluster.StartAsync(await server.CreateAsync(), count: 3, lineTo: server.Port);
        await cluster.ProtectAsync();

        cluster.Production.PowerOff();
        await HarmAsync(cluster, random);
        await TakenOverAsync(cluster);
        var trial = (await cluster.SystemAsync())!;
        trial.Epoch.ShouldBe(new Epoch(2));
        await HealAsync(cluster);
        (await cluster.PostAsync($"/api/v1/runs/{trial.LiveRun!.Id}/commit", trial.Epoch, new { actor = "test", reason = "it serves" })).ShouldBeNull();

        cluster.Production.PowerOn();
        await cluster.PhaseAsync(Phase.FailbackReady, Patience);
        (await cluster.PostAsync("/api/v1/runs", trial.Epoch, new { system = RunningCluster.System.Value, kind = "failback", actor = "test", reason = "home" })).ShouldBeNull();
        await HarmAsync(cluster, random);
        await cluster.UntilAsync("the system to serve at home", async () => await cluster.SystemAsync() is { } view && view.Epoch == new Epoch(3) && view.Phase == nameof(Phase.Protected), Patience);
        await HealAsync(cluster);
        await cluster.UntilAsync("production to write", () => Task.FromResult(cluster.Production.MayWrite), Patience);
        await cluster.JudgeAsync(stepsMayFail: true);
    }

    /// <summary>When the evidence was to be heard just while nobody could store anything, the machine asks a person instead of guessing.</summary>
    private async Task TakenOverAsync(RunningCluster cluster)
    {
        string? approved = null;
        await cluster.UntilAsync(
            "the system to be on trial",
            async () =>
            {
                var view = await cluster.SystemAsync();
                if (view is { Phase: nameof(Phase.Deciding), LiveRun: { State: RunState.WaitingForApproval } run } && DateTimeOffset.UtcNow - view.PhaseSince > TimeSpan.FromSeconds(45) && approved != run.Id.Value)
                {
                    approved = run.Id.Value;
                    output.WriteLine($"a person was asked: {view.Reason} {await cluster.PostAsync($"/api/v1/runs/{run.Id}/approve", view.Epoch, new { actor = "test", reason = "it is lost" })}");
                }

                return view?.Phase == nameof(Phase.OnTrial);
            },
            Patience);
    }

    [Fact]
    public async Task After_a_power_cut_of_all_silos_one_alone_serves_again_within_seconds()
    {
        Assert.SkipUnless(IsOn, "DR_SILO_CHAINS=1 cuts the power of a whole cluster");
        await using var cluster = await RunningCluster.StartAsync(await server.CreateAsync(), count: 3);
        await cluster.ProtectAsync();

        await Task.WhenAll(cluster.Silos.Select(s => s.KillAsync()));
        var watch = Stopwatch.StartNew();
        await cluster.Silos[0].StartAsync();
        await cluster.AnswersAgainAsync(cluster.Silos[0], Patience);
        output.WriteLine($"one silo after a power cut of three: {watch.Elapsed.TotalSeconds:0.0} s");
        await cluster.JudgeAsync();
    }

    /// <summary>One of the two silos has the owner's grain, which begins anew at the other one and has heard nothing yet.</summary>
    [Theory]
    [InlineData(0)]
    [InlineData(1)]
    public async Task A_site_that_is_lost_together_with_a_silo_is_taken_over(int silo)
    {
        Assert.SkipUnless(IsOn, "DR_SILO_CHAINS=1 loses a site with its silo");
        await using var cluster = await RunningCluster.StartAsync(await server.CreateAsync(), count: 2);
        await cluster.ProtectAsync();

        // A control plane that runs, not one that has just begun.
        await Task.Delay(TimeSpan.FromSeconds(25), CancellationToken.None);
        cluster.Production.PowerOff();
        await cluster.Silos[silo].KillAsync();
        var watch = Stopwatch.StartNew();
        await cluster.UntilAsync("the owner to be suspected", async () => await cluster.SystemAsync() is { } view && view.Phase != nameof(Phase.Protected), Patience);
        output.WriteLine($"suspected after {watch.Elapsed.TotalSeconds:0.0} s");
        await TakenOverAsync(cluster);
        output.WriteLine($"taken over after {watch.Elapsed.TotalSeconds:0.0} s");
        await cluster.JudgeAsync();
    }

    /// <summary>At any moment of what goes on; what is frozen comes back while the others go on.</summary>
    private async Task HarmAsync(RunningCluster cluster, Random random)
    {
        await Task.Delay(random.Next(0, 12_000), CancellationToken.None);
        var harm = (Harm)random.Next(Enum.GetValues<Harm>().Length);
        var (leader, other) = cluster.Holder();
        output.WriteLine($"{DateTimeOffset.UtcNow:HH:mm:ss.fff} {harm} ({leader.Name}) in phase {(await cluster.SystemAsync())?.Phase}");
        switch (harm)
        {
            case Harm.KillTheLeader:
                await leader.KillAsync();
                break;
            case Harm.KillAnother:
                await other.KillAsync();
                break;
            case Harm.FreezeTheLeader:
                await leader.SignalAsync("STOP");
                await Task.Delay(random.Next(2_000, 9_000), CancellationToken.None);
                await leader.SignalAsync("CONT");
                break;
            case Harm.CutTheLeadersLine or Harm.SilenceTheLeadersLine:
                SiloFaultTests.Cut(cluster.Lines[cluster.Silos.IndexOf(leader)], harm == Harm.SilenceTheLeadersLine);
                await leader.EndedAsync("losing the database", Patience);
                break;
            default:
                await server.StopAsync();
                await Task.Delay(random.Next(0, 4_000), CancellationToken.None);
                await server.StartAsync();
                break;
        }
    }

    private static async Task HealAsync(RunningCluster cluster)
    {
        cluster.Lines.ForEach(line => (line.Swallowing, line.Refusing) = (false, false));
        foreach (var silo in cluster.Silos.Where(s => !s.IsRunning))
        {
            await silo.StartAsync();
        }
    }
}
