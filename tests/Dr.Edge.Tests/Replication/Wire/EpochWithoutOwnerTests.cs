using System.Net;
using System.Net.Sockets;
using Dr.Contracts.Ids;
using Dr.Contracts.Mqtt;
using Dr.Contracts.Wire;
using Dr.Edge.Replication;
using Dr.Edge.Volumes;

namespace Dr.Edge.Tests.Replication.Wire;

/// <summary>
/// Between a demotion and the promotion it is for, the new epoch has no owner and the final point travels at the old one. The copy that is to get it must not hear of the new epoch by the way: it would refuse the point, and the
/// demoted side, fenced, would never try again.
/// </summary>
public sealed class EpochWithoutOwnerTests : TwoNodeTest
{
    private const long Size = 1 << 20;

    [Fact]
    public async Task An_old_source_hears_from_a_demoted_copy_of_the_epoch_that_had_an_owner()
    {
        var volume = Owner(3);
        volume.Demote(new Epoch(4));
        (await RefusedAtAsync(volume, 2)).ShouldBe(new Epoch(3));

        await Production.RestartAsync();
        volume = Production.Set.Get("dilas");
        volume.Epoch.ShouldBe(new Epoch(4));
        (await RefusedAtAsync(volume, 2)).ShouldBe(new Epoch(3), "after a restart");
        (await RefusedAtAsync(volume, 3)).ShouldBe(new Epoch(4), "who believes itself at the same epoch has to shut its gate");

        volume.Demote(new Epoch(6));
        (await RefusedAtAsync(volume, 2)).ShouldBe(new Epoch(3), "demoted for another epoch");
        (await RefusedAtAsync(volume, 5)).ShouldBe(new Epoch(6), "an owner that was not known here");

        volume.SeeEpoch(new Epoch(7));
        (await RefusedAtAsync(volume, 2)).ShouldBe(new Epoch(7), "an owner showed it");
        volume.Demote(new Epoch(8));
        (await RefusedAtAsync(volume, 2)).ShouldBe(new Epoch(7));
        volume.Promote(new Epoch(9));
        (await RefusedAtAsync(volume, 2)).ShouldBe(new Epoch(9));
    }

    [Fact]
    public async Task A_copy_takes_no_epoch_from_a_late_answer_to_its_own_old_stream()
    {
        var volume = Owner(5);
        using var listener = Listen();
        await Production.Copies.AddAsync(volume, listener.LocalEndpoint.ToString()!, CopyMode.Stream, null, default);
        await using var peer = new ScriptedPeer(await listener.AcceptSocketAsync());
        var stream = await AnnouncedAsync(peer);

        // The answer to the announcement is on its way while the volume changes hands twice.
        volume.Demote(new Epoch(6));
        volume.BecomeReplica(new Epoch(6));
        await peer.SendAsync(stream, 7, new Refusal(RefusalCode.Fenced, "Epoch 5 is over: 7 was seen here.", null));

        var copy = Production.Copies.Of(volume)[0];
        await Node.Until(() => copy.Progress.State == CopyState.Paused, "the old stream to end", () => copy.ToStatus().ToString());
        volume.Epoch.ShouldBe(new Epoch(6));
    }

    [Fact]
    public async Task A_stream_that_has_outlived_its_role_says_so_and_asks_nothing()
    {
        var volume = Owner(5);
        using var listener = Listen();
        await Production.Copies.AddAsync(volume, listener.LocalEndpoint.ToString()!, CopyMode.Stream, null, default);
        await using var peer = new ScriptedPeer(await listener.AcceptSocketAsync());
        var stream = await AnnouncedAsync(peer);
        await peer.SendAsync(stream, 5, new Position(VolumeRole.Replica, volume.Appended, volume.Appended, default, default, 0, volume.History().Chain, volume.Marks()));
        var copy = Production.Copies.Of(volume)[0];
        await Node.Until(() => copy.Progress.State == CopyState.Current, "the copy to be current", () => copy.ToStatus().ToString());

        volume.Demote(new Epoch(6));
        volume.BecomeReplica(new Epoch(6));

        (FrameHeader Header, byte[] Payload) last;
        do
        {
            last = (await peer.ReceiveAsync()).ShouldNotBeNull();
            last.Header.Type.ShouldNotBe(FrameType.Announce);
        }
        while (last.Header.Type != FrameType.Detach);
    }

    private Volume Owner(long epoch)
    {
        var volume = Production.Set.Create("dilas", Size);
        volume.Promote(new Epoch(epoch));
        volume.WriteAt(0, [1]);
        volume.Point("first");
        return volume;
    }

    private static TcpListener Listen()
    {
        var listener = new TcpListener(IPAddress.Loopback, 0);
        listener.Start();
        return listener;
    }

    private static async Task<int> AnnouncedAsync(ScriptedPeer peer)
    {
        await peer.ReceiveAsync(FrameType.Hello);
        await peer.GreetAsync();
        return (await peer.ReceiveAsync(FrameType.Announce)).Header.Stream;
    }

    private async Task<Epoch> RefusedAtAsync(Volume volume, long epoch)
    {
        await using var source = await ScriptedPeer.DialAsync(Production.Address);
        await source.SendAsync(1, epoch, new Announce(volume.Id, volume.Name, Size, CopyMode.Stream, volume.Appended, volume.History().Chain, volume.Marks()));
        var (header, payload) = await source.ReceiveAsync(FrameType.Error);
        WireMessage.Decode<Refusal>(payload).Code.ShouldBe(RefusalCode.Fenced);
        return header.Epoch;
    }
}
