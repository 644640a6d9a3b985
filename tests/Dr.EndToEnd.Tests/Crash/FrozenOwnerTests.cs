using System.Diagnostics;
using System.Net.Sockets;
using Dr.Contracts.Ids;
using Dr.Contracts.Mqtt;
using Dr.EndToEnd.Tests.Link;
using Dr.Simulator.Live.Judging;

namespace Dr.EndToEnd.Tests.Crash;

/// <summary>
/// A real dr-edge under a serving lease of a real control link is frozen (SIGSTOP) between what it did and its answer, and goes on when the lease has lapsed: by then another may be the owner, so it must not
/// say that anything is done.
/// </summary>
[Collection("whole machine")]
public sealed class FrozenOwnerTests : IAsyncLifetime
{
    private const uint NotPermitted = 1;
    private static readonly TimeSpan Lease = TimeSpan.FromSeconds(4);
    private readonly string _folder = Directory.CreateTempSubdirectory("dr-frozen-").FullName;
    private readonly Embedded _broker = new();
    private TestSilo _silo = null!;

    public async ValueTask InitializeAsync()
    {
        await _broker.StartAsync();
        _silo = await TestSilo.StartAsync(_broker.Address);
    }

    public async ValueTask DisposeAsync()
    {
        await _silo.DisposeAsync();
        await _broker.DisposeAsync();
        Directory.Delete(_folder, recursive: true);
    }

    [Theory]
    [InlineData("batch.written", false)]
    [InlineData("flush.synced", true)]
    public async Task What_was_done_before_the_lease_lapsed_is_not_answered_after_it(string frozenAt, bool isFlush)
    {
        var config = Path.Combine(_folder, "edge.yaml");
        await File.WriteAllTextAsync(config, $"device: edge-1\nsite: a\nbrokers: [{_broker.Address}]\n");
        await using var edge = await EdgeProcess.StartToFreezeAsync(_folder, $"{frozenAt}:2", "--config", config);
        await edge.RunAsync("volume", "create", "v", "--size", "1MiB", "--points-every", "off");
        await Eventually.TrueAsync("the appliance was heard", () => !_silo.Plane.Births.IsEmpty);
        await _silo.Downlink.SendCommandAsync(new DeviceId("edge-1"), Promote(), CancellationToken.None);
        await Eventually.TrueAsync("it was promoted", () => _silo.Plane.Results.Any(r => r.Result.Outcome == CommandOutcome.Done));
        var promoted = Stopwatch.GetTimestamp(); // At the latest: the lease counts from before.

        using var client = new NbdClient(edge.NbdSocket, "v");
        client.SendWrite(1, 0, new byte[4096]);
        client.ReceiveAnswer().ShouldBe(1ul);
        if (isFlush)
        {
            client.SendFlush(2);
            client.ReceiveAnswer().ShouldBe(2ul);
            client.SendWrite(3, 4096, new byte[4096]);
            client.ReceiveAnswer().ShouldBe(3ul);
            client.SendFlush(4);
        }
        else
        {
            client.SendWrite(4, 4096, new byte[4096]);
        }

        await Eventually.TrueAsync($"it froze at {frozenAt}", () => edge.IsFrozen);
        await Eventually.TrueAsync("the lease lapsed", () => Stopwatch.GetElapsedTime(promoted) > Lease + TimeSpan.FromMilliseconds(200));
        await edge.ThawAsync();
        client.ReceiveAnyAnswer().ShouldBe((4ul, NotPermitted));

        // It goes on to read, and to refuse: the flush would promise what was not answered, or what may not stay.
        client.Read(0, 4096).ShouldBe(new byte[4096]);
        client.SendFlush(5);
        client.ReceiveAnyAnswer().ShouldBe((5ul, NotPermitted));
        client.SendWrite(6, 0, new byte[4096]);
        client.ReceiveAnyAnswer().ShouldBe((6ul, NotPermitted));
    }

    private static PromoteVolume Promote() => new()
    {
        Id = new CommandId("p1"),
        IssuedAt = DateTimeOffset.UtcNow,
        Deadline = DateTimeOffset.UtcNow + TimeSpan.FromMinutes(1),
        Epoch = new Epoch(2),
        Volume = "v",
        LeaseTtl = Lease,
    };
}
