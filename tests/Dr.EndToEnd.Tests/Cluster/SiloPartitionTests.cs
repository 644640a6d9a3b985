using System.Diagnostics;
using System.Globalization;
using Dr.EndToEnd.Tests.Link;
using Dr.Silo.Tests.Support;

namespace Dr.EndToEnd.Tests.Cluster;

/// <summary>
/// Two silos that do not reach each other and both reach the database and the broker. Needs a network namespace of its own, in which lines can be taken away: <c>tests/silo-partition.sh</c> runs it in one.
/// </summary>
[Collection(ClusterCollection.Name)]
public sealed class SiloPartitionTests(PostgresServer server, ITestOutputHelper output)
{
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(60);

    [Fact]
    public async Task Of_two_silos_that_do_not_reach_each_other_one_gives_way_and_the_other_goes_on()
    {
        Assert.SkipUnless(Environment.GetEnvironmentVariable("DR_OWN_NETWORK") == "1", "tests/silo-partition.sh runs this in a network namespace of its own");
        await using var cluster = await RunningCluster.StartAsync(await server.CreateAsync(), count: 2);
        await cluster.ProtectAsync();

        foreach (var silo in cluster.Silos)
        {
            await RuleAsync("add", silo, "dport");
            await RuleAsync("add", silo, "sport");
        }

        var watch = Stopwatch.StartNew();
        await Eventually.TrueAsync("one of the two to end", () => cluster.Silos.Count(s => s.IsRunning) < 2, Patience);
        output.WriteLine($"one silo ended {watch.Elapsed.TotalSeconds:0.0} s after they lost each other");
        var (gone, stays) = cluster.Silos[0].IsRunning ? (cluster.Silos[1], cluster.Silos[0]) : (cluster.Silos[0], cluster.Silos[1]);
        (await gone.EndedAsync("losing the vote", Patience)).ShouldNotBe(0);
        await cluster.AnswersAgainAsync(stays, Patience);
        output.WriteLine($"the other has answers of everything after {watch.Elapsed.TotalSeconds:0.0} s");
        stays.IsRunning.ShouldBeTrue("both gave way");

        // The site is lost while they are apart: one alone takes over.
        cluster.Production.PowerOff();
        await cluster.PhaseAsync(Dr.Contracts.Grains.Phase.OnTrial, Patience);

        foreach (var silo in cluster.Silos)
        {
            await RuleAsync("del", silo, "dport");
            await RuleAsync("del", silo, "sport");
        }

        await gone.StartAsync();
        await cluster.AnswersAgainAsync(gone, Patience);
        await cluster.JudgeAsync();
    }

    private static async Task RuleAsync(string verb, SiloProcess silo, string port)
    {
        var (status, said) = await Repository.RunAsync("ip", ["rule", verb, "pref", "10", "ipproto", "tcp", port, silo.SiloPort.ToString(CultureInfo.InvariantCulture), "blackhole"], TimeSpan.FromSeconds(5));
        status.ShouldBe(0, said);
    }
}
