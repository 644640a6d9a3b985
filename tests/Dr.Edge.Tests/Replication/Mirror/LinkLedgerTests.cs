using Dr.Contracts.Mqtt;
using Dr.Edge.Link;
using Dr.Edge.Replication.Mirror;

namespace Dr.Edge.Tests.Replication.Mirror;

/// <summary>When the control plane has to have it, and when the primary's own record will do.</summary>
public sealed class LinkLedgerTests : IAsyncLifetime
{
    private readonly LinkState _link = new();
    private Node _node = null!;

    public async ValueTask InitializeAsync() => _node = await Node.StartAsync("production");

    public async ValueTask DisposeAsync() => await _node.DisposeAsync();

    [Fact]
    public async Task Without_a_control_plane_nobody_is_asked() =>
        await new LinkLedger(false, _link, null, TimeProvider.System).NoteAsync(_node.Set.Create("v", 1 << 20), "b:1", 1, default);

    [Fact]
    public async Task Over_a_link_that_is_up_only_the_record_itself_or_a_later_one_counts()
    {
        var volume = _node.Set.Create("v", 1 << 20);
        var ledger = new LinkLedger(true, _link, null, TimeProvider.System);
        _link.Connected = true;
        var noting = ledger.NoteAsync(volume, "b:1", 7, default);
        ledger.OnMirrors([new MirrorNoted { Volume = volume.Id, Peer = "b:1", Record = 6 }, new MirrorNoted { Volume = volume.Id, Peer = "c:1", Record = 9 }]);
        (await Task.WhenAny(noting, Task.Delay(700))).ShouldNotBe(noting);

        ledger.OnMirrors([new MirrorNoted { Volume = volume.Id, Peer = "b:1", Record = 8 }]);
        await noting.WaitAsync(TimeSpan.FromSeconds(5));
    }

    [Fact]
    public async Task With_the_link_down_the_own_record_does_but_not_for_a_volume_that_needs_a_lease()
    {
        var volume = _node.Set.Create("v", 1 << 20);
        var ledger = new LinkLedger(true, _link, null, TimeProvider.System);
        await ledger.NoteAsync(volume, "b:1", 7, default);

        volume.Gate.RequireLease();
        var noting = ledger.NoteAsync(volume, "b:1", 7, default);
        (await Task.WhenAny(noting, Task.Delay(700))).ShouldNotBe(noting);
        ledger.OnMirrors([new MirrorNoted { Volume = volume.Id, Peer = "b:1", Record = 7 }]);
        await noting.WaitAsync(TimeSpan.FromSeconds(5));
    }
}
