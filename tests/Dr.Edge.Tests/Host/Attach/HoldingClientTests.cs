using Dr.Edge.Host.Attach;

namespace Dr.Edge.Tests.Host.Attach;

public class HoldingClientTests
{
    [Theory]
    [InlineData("tcp:store:10809", null, true, 120)]
    [InlineData("tcp:store:10809", null, false, 0)]
    [InlineData("unix:/run/dr/nbd", null, true, 0)]
    [InlineData("unix:/run/dr/nbd", 30, true, 30)]
    [InlineData("tcp:store:10809", 0, true, 0)]
    public void Requests_wait_where_another_appliance_may_answer_and_where_they_are_told_to(string address, int? configured, bool isInstalled, int seconds) =>
        HoldingClient.HoldFor(address, configured is { } s ? TimeSpan.FromSeconds(s) : null, isInstalled).ShouldBe(TimeSpan.FromSeconds(seconds));

    [Fact]
    public void Its_options_name_server_export_and_file()
    {
        var arguments = HoldingClient.Arguments("tcp:10.0.0.7:10809", "dilas", "/var/lib/a,b/dilas", "/run/pid", TimeSpan.FromSeconds(90));

        arguments[1].ShouldBe("driver=nbd,node-name=volume,server.type=inet,server.host=10.0.0.7,server.port=10809,export=dilas,reconnect-delay=90");
        arguments[3].ShouldContain("mountpoint=/var/lib/a,,b/dilas,writable=on");
        HoldingClient.Arguments("unix:/run/nbd", "dilas", "f", "p", TimeSpan.FromSeconds(1))[1].ShouldContain("server.type=unix,server.path=/run/nbd,");
    }
}
