using Dr.Contracts.Grains;
using Dr.Contracts.Ids;
using Dr.Silo.Tests.Support;

namespace Dr.EndToEnd.Tests.Cluster;

/// <summary>
/// A cluster of the previous build is replaced silo by silo with the present one, while the business system serves and kiosks lend. <c>tests/rolling-upgrade.sh</c> builds the previous
/// one and names it in <c>DR_PREVIOUS_SILO</c>.
/// </summary>
[Collection(ClusterCollection.Name)]
public sealed class RollingUpgradeTests(PostgresServer server, ITestOutputHelper output)
{
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(40);

    [Fact]
    public async Task Two_silos_of_the_previous_build_are_replaced_one_by_one_and_nobody_notices()
    {
        var previous = Environment.GetEnvironmentVariable("DR_PREVIOUS_SILO");
        Assert.SkipWhen(string.IsNullOrEmpty(previous), "tests/rolling-upgrade.sh builds the previous silo and runs this.");
        await using var cluster = await RunningCluster.StartAsync(await server.CreateAsync(), count: 2, program: _ => previous);
        await cluster.ProtectAsync();
        var (first, second) = (cluster.Silos[0], cluster.Silos[1]);

        // One new beside one old: what the old one wrote is read by the new one when it takes its grains over …
        await ReplaceAsync(cluster, first);
        (await second.StopAsync()).ShouldBe(0);
        output.WriteLine($"the new one alone: {(await cluster.AnswersAgainAsync(first, Patience)).TotalSeconds:0.0} s");
        (await cluster.SystemAsync())!.Phase.ShouldBe(nameof(Phase.Protected));

        // … and what the new one has written is read by an old one, whether it is told to go or killed. The old one started when the schema was its own or older.
        await using var old = new SiloProcess("old", cluster.Postgres, $"{cluster.Broker.Host}:{cluster.Broker.Port}", cluster.ConfigPath, previous);
        if (await OldStartsAsync(old))
        {
            cluster.Silos.Add(old);
            await first.KillAsync();
            output.WriteLine($"an old one after the new one was killed: {(await cluster.AnswersAgainAsync(old, Patience)).TotalSeconds:0.0} s");
            (await cluster.SystemAsync())!.Phase.ShouldBe(nameof(Phase.Protected));
            await first.StartAsync();
        }
        else
        {
            output.WriteLine("the present version has a newer schema: an old silo does not start on it any more");
        }

        await second.StartWithAsync(null);
        await cluster.AnswersAgainAsync(second, Patience);
        await old.KillAsync();
        cluster.Silos.Remove(old);
        await cluster.AnswersAgainAsync(first, Patience);

        // A takeover through the present version, of a system that the previous one protected.
        cluster.Production.PowerOff();
        await cluster.PhaseAsync(Phase.OnTrial, TimeSpan.FromSeconds(90));
        (await cluster.SystemAsync())!.Epoch.ShouldBe(new Epoch(2));
        await cluster.JudgeAsync();
    }

    private static async Task ReplaceAsync(RunningCluster cluster, SiloProcess silo)
    {
        (await silo.StopAsync()).ShouldBe(0);
        await silo.StartWithAsync(null);
        await cluster.AnswersAgainAsync(silo, Patience);
    }

    private static async Task<bool> OldStartsAsync(SiloProcess old)
    {
        try
        {
            await old.StartAsync();
            return true;
        }
        catch (Shouldly.ShouldAssertException) when (old.Logged("newer version"))
        {
            return false;
        }
    }
}
