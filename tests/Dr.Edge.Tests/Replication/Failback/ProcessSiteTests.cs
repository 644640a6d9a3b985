namespace Dr.Edge.Tests.Replication.Failback;

/// <summary>The tests' own appliance process: a driver that waits for ever would be taken for a product that does.</summary>
public sealed class ProcessSiteTests
{
    [Fact]
    public async Task A_kill_that_finds_the_next_process_there_already_kills_that_too_and_goes_on()
    {
        await using var site = new ProcessSite("twice");
        await site.MustAsync("create");

        // The second kill waits for its turn while the first has the process reaped and started again, as the watcher of a process that has died does.
        await Task.WhenAll(site.KillAsync(), site.KillAsync()).WaitAsync(TimeSpan.FromSeconds(30));

        site.Deaths.ShouldBe(2);
        (await site.MustAsync("show")).ShouldStartWith("Primary");
    }
}
