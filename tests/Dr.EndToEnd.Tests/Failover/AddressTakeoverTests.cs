namespace Dr.EndToEnd.Tests.Failover;

/// <summary>A host behind an address that moves between two real appliances in network namespaces, by <c>tests/takeover-by-address.sh</c>. <c>DR_ADDRESS_TAKEOVER=1</c> runs it, about 20 s each.</summary>
[Collection("whole machine")]
public sealed class AddressTakeoverTests(ITestOutputHelper output)
{
    [Theory]
    [InlineData("")]
    [InlineData("--postgres")]
    public async Task A_host_sees_a_pause_and_no_error_when_the_address_moves_to_the_promoted_mirror(string kind)
    {
        Assert.SkipUnless(Environment.GetEnvironmentVariable("DR_ADDRESS_TAKEOVER") == "1", "DR_ADDRESS_TAKEOVER=1 runs it (root, network namespaces, qemu-storage-daemon; about 20 s)");
        string[] arguments = [Path.Combine(Repository.Root, "tests", "takeover-by-address.sh"), Repository.Program("Dr.Edge", "dr-edge"), .. kind.Length == 0 ? (string[])[] : [kind]];

        var (status, said) = await Repository.RunAsync("bash", arguments, TimeSpan.FromMinutes(3));

        output.WriteLine(said);
        status.ShouldBe(0, said);
        said.ShouldContain("nothing missing; the old appliance is the mirror");
    }
}
