namespace Dr.EndToEnd.Tests.Failover;

/// <summary>Network actions as a client sees them, between network namespaces, by <c>tests/network-actions.sh</c>. <c>DR_NETWORK_ACTIONS=1</c> runs it, about 40 s.</summary>
[Collection("whole machine")]
public sealed class NetworkActionsTests(ITestOutputHelper output)
{
    [Fact]
    public async Task A_client_is_led_to_the_other_site_over_every_way_and_a_lower_epoch_moves_nothing()
    {
        Assert.SkipUnless(Environment.GetEnvironmentVariable("DR_NETWORK_ACTIONS") == "1", "DR_NETWORK_ACTIONS=1 runs it (root, network namespaces, bind9, keepalived; about 40 s)");
        var (status, said) = await Repository.RunAsync("bash", [Path.Combine(Repository.Root, "tests", "network-actions.sh"), Repository.Program("Dr.Edge", "dr-edge")], TimeSpan.FromMinutes(3));

        output.WriteLine(said);
        status.ShouldBe(0, said);
        said.ShouldContain("a lower epoch is refused before anything moves");
    }
}
