using System.Net;
using System.Net.Sockets;
using System.Text;
using Dr.Edge.Kiosk;
using Microsoft.Extensions.Time.Testing;

namespace Dr.Edge.Tests.Kiosk;

public sealed class ReachProbeTests
{
    private static readonly TimeSpan Enough = TimeSpan.FromSeconds(20);

    /// <summary>Time stands still, so nothing here is ever too late.</summary>
    private readonly FakeTimeProvider _time = new();

    [Theory]
    [InlineData("ends when its client does")]
    [InlineData("greets")]
    [InlineData("hangs up")]
    public async Task A_program_that_answers_is_reachable_and_a_closed_port_is_not(string manner)
    {
        using var probe = new ReachProbe(_time);
        using var listener = new TcpListener(IPAddress.Loopback, 0);
        listener.Start();
        var address = $"tcp://{listener.LocalEndpoint}";
        var probing = probe.TryAsync("system:dilas", address, TestContext.Current.CancellationToken);
        using (var client = await listener.AcceptSocketAsync(TestContext.Current.CancellationToken))
        {
            switch (manner)
            {
                case "ends when its client does":
                    (await client.ReceiveAsync(new byte[1], TestContext.Current.CancellationToken)).ShouldBe(0);
                    client.Shutdown(SocketShutdown.Both);
                    break;
                case "greets":
                    await client.SendAsync(Encoding.ASCII.GetBytes("220 dilas\r\n"), TestContext.Current.CancellationToken);
                    break;
                default:
                    client.Close(0);
                    break;
            }

            (await probing.WaitAsync(Enough, TestContext.Current.CancellationToken)).Reachable.ShouldBeTrue();
        }

        listener.Stop();
        var closed = await probe.TryAsync("system:dilas", address, TestContext.Current.CancellationToken);
        closed.Reachable.ShouldBeFalse();
        closed.Detail.ShouldNotBeNull();
    }

    [Fact]
    public async Task A_kernel_that_accepts_for_a_program_that_stands_still_is_no_answer()
    {
        using var probe = new ReachProbe(_time);
        using var listener = new TcpListener(IPAddress.Loopback, 0);
        listener.Start();
        var probing = probe.TryAsync("system:dilas", $"tcp://{listener.LocalEndpoint}", TestContext.Current.CancellationToken);

        // For the probe it makes no difference who has accepted and stays silent. Once it has closed its side, the limit of the answer has begun.
        using var silent = await listener.AcceptSocketAsync(TestContext.Current.CancellationToken);
        (await silent.ReceiveAsync(new byte[1], TestContext.Current.CancellationToken)).ShouldBe(0);
        probing.IsCompleted.ShouldBeFalse("nobody has answered yet");
        _time.Advance(TimeSpan.FromSeconds(3));
        var report = await probing.WaitAsync(Enough, TestContext.Current.CancellationToken);
        (report.Reachable, report.TransactionFailed).ShouldBe((false, false));
        report.Detail.ShouldNotBeNull().ShouldBe("connections are accepted, but nobody answers within 3 s");

        (await probe.TryAsync("system:dilas", $"connect://{listener.LocalEndpoint}", TestContext.Current.CancellationToken)).Reachable.ShouldBeTrue("asked for no more than a connection");
    }

    [Theory]
    [InlineData(null)]
    [InlineData("nonsense")]
    [InlineData("ftp://127.0.0.1/")]
    public async Task What_cannot_be_tried_is_reported_not_thrown(string? address)
    {
        using var probe = new ReachProbe(_time);
        (await probe.TryAsync("x", address, TestContext.Current.CancellationToken)).Detail.ShouldNotBeNull();
    }
}
