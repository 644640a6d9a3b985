using System.Net;
using System.Net.Sockets;
using Dr.Edge.Kiosk;

namespace Dr.Edge.Tests.Kiosk;

public sealed class ReachProbeTests
{
    [Fact]
    public async Task A_listener_is_reachable_and_a_closed_port_is_not()
    {
        using var probe = new ReachProbe(TimeProvider.System);
        using var listener = new TcpListener(IPAddress.Loopback, 0);
        listener.Start();
        var address = $"tcp://{listener.LocalEndpoint}";
        (await probe.TryAsync("system:dilas", address, CancellationToken.None)).Reachable.ShouldBeTrue();
        listener.Stop();
        var closed = await probe.TryAsync("system:dilas", address, CancellationToken.None);
        closed.Reachable.ShouldBeFalse();
        closed.Detail.ShouldNotBeNull();
    }

    [Theory]
    [InlineData(null)]
    [InlineData("nonsense")]
    [InlineData("ftp://127.0.0.1/")]
    public async Task What_cannot_be_tried_is_reported_not_thrown(string? address)
    {
        using var probe = new ReachProbe(TimeProvider.System);
        (await probe.TryAsync("x", address, CancellationToken.None)).Detail.ShouldNotBeNull();
    }
}
