using System.Diagnostics;
using Dr.EndToEnd.Tests.Link;
using Dr.Silo.Tests.Support;

namespace Dr.EndToEnd.Tests.Cluster;

/// <summary>What happens to silos of a running cluster: real processes, real database, real broker. Every test leaves three healthy silos behind for the next.</summary>
[Collection(ClusterCollection.Name)]
public sealed class SiloFaultTests(ThreeSilos silos, ITestOutputHelper output) : IClassFixture<ThreeSilos>
{
    /// <summary>The tests wait longer than the goal of 10 s, so that a busy machine is no failure; what it took is written into the result.</summary>
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(90);

    private RunningCluster Cluster => silos.Cluster;

    [Fact]
    public async Task A_killed_silo_costs_seconds_and_nothing_else()
    {
        var (lost, stays) = Cluster.Holder();

        await lost.KillAsync();
        Report("killed", await Cluster.AnswersAgainAsync(stays, Patience));

        await ReturnsAsync(lost);
    }

    [Fact]
    public async Task A_silo_that_was_frozen_and_comes_back_finds_itself_dead_and_ends()
    {
        var (frozen, stays) = Cluster.Holder();

        await frozen.SignalAsync("STOP");
        Report("frozen", await Cluster.AnswersAgainAsync(stays, Patience));
        await frozen.SignalAsync("CONT");

        var ended = Stopwatch.StartNew();
        (await frozen.EndedAsync("coming back", Patience)).ShouldNotBe(0);
        Report("frozen silo ended after it came back", ended.Elapsed);
        await ReturnsAsync(frozen);
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task A_silo_cut_off_from_the_database_but_not_from_the_others_leaves(bool silently)
    {
        Assert.SkipUnless(silently || Environment.GetEnvironmentVariable("DR_SILO_CHAINS") == "1", "DR_SILO_CHAINS=1 also cuts the line so that it is noticed at once, which is the easier case");
        var (cut, stays) = Cluster.Holder();
        var line = Cluster.Lines[Cluster.Silos.IndexOf(cut)];

        Cut(line, silently);
        Report(silently ? "line to the database silent" : "line to the database cut", await Cluster.AnswersAgainAsync(stays, Patience));
        (await cut.EndedAsync("losing the database", Patience)).ShouldNotBe(0);

        (line.Swallowing, line.Refusing) = (false, false);
        await ReturnsAsync(cut);
    }

    internal static void Cut(CutProxy line, bool silently)
    {
        (line.Swallowing, line.Refusing) = (silently, !silently);
        if (silently)
        {
            line.Silence();
        }
        else
        {
            line.Cut();
        }
    }

    private async Task ReturnsAsync(SiloProcess silo)
    {
        await silo.StartAsync();
        await Cluster.AnswersAgainAsync(silo, Patience);
        await Cluster.JudgeAsync();
    }

    private void Report(string what, TimeSpan took) => output.WriteLine($"{what}: {took.TotalSeconds:0.0} s");
}

/// <summary>Three silos with a line each to the database, and a protected system.</summary>
public sealed class ThreeSilos(PostgresServer server) : IAsyncLifetime
{
    internal RunningCluster Cluster { get; private set; } = null!;

    public async ValueTask InitializeAsync()
    {
        Cluster = await RunningCluster.StartAsync(await server.CreateAsync(), count: 3, lineTo: server.Port);
        await Cluster.ProtectAsync();
    }

    public ValueTask DisposeAsync() => Cluster.DisposeAsync();
}
