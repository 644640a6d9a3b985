using Dr.Contracts.Ids;
using Dr.Contracts.Mqtt;
using Dr.Contracts.Wire;
using Dr.Edge.Replication;
using Dr.Edge.Replication.Mirror;
using Dr.Edge.Volumes;
using Dr.Edge.Volumes.Retention;

namespace Dr.Edge.Tests.Replication.Wire;

/// <summary>A copy whose last write is not its owner's, though both call it by the same name: what it does by itself, whoever talks to it.</summary>
public sealed class DifferingHistoryTests : TwoNodeTest
{
    private const long Size = 1 << 20;

    [Fact]
    public async Task What_differs_is_marked_once_no_longer_taken_for_whole_and_kept_before_everything_is_replaced()
    {
        var owner = Production.Set.Create("dilas", Size);
        owner.WriteAt(0, Enumerable.Repeat((byte)1, 4096).ToArray());
        var copy = Backup.Set.CreateReplica(owner.Id, "dilas", Size);
        copy.AppendReplica(Batch(owner, SequenceNumber.Zero));
        var sound = copy.Appended;
        owner.WriteAt(4096, Enumerable.Repeat((byte)2, 4096).ToArray());
        ForeignBatch.AppendTo(copy, owner);
        owner.WriteAt(8192, Enumerable.Repeat((byte)3, 4096).ToArray());
        var (held, at) = (copy.Content(), copy.Appended);
        at.ShouldBe(new SequenceNumber(sound.Value + 1));

        for (var time = 0; time < 2; time++)
        {
            await using var source = await AnnouncedAsync(owner);
            await source.SendAsync(1, 1, new MirrorNotice(5 + time, MirrorState.Whole, LossPolicy.Stall, MirrorAck.Durable));
            await source.ReceiveAsync(FrameType.Mirror);
            MirrorBelief.Of(copy)!.IsCertain.ShouldBeTrue();
            await source.SendAsync(FrameType.Run, 1, 1, Batch(owner, at));

            WireMessage.Decode<Refusal>((await source.ReceiveAsync(FrameType.Error)).Payload).Code.ShouldBe(RefusalCode.Digest, "a rung of the ladder, not the end of it");
            MirrorBelief.Of(copy)!.State.ShouldBe(MirrorState.OutOfDate);
            copy.Appended.ShouldBe(at);
            copy.ShouldHold(held);
        }

        var mark = copy.Points.ShouldHaveSingleItem("the same thing is not kept twice");
        (mark.Label, mark.Sequence).ShouldBe((PointKinds.DiffersLabel, at));

        var whole = owner.Point("whole");
        await using (var source = await AnnouncedAsync(owner))
        {
            await source.SendAsync(1, 1, new DeltaBegin(default, whole, 0, owner.History().Chain));
            await source.ReceiveAsync(FrameType.Ack);
        }

        Backup.Set.Get(TailName.For("dilas", copy.Generations[^1].Generation, at)).ShouldHold(held);
    }

    private async Task<ScriptedPeer> AnnouncedAsync(Volume owner)
    {
        var source = await ScriptedPeer.DialAsync(Backup.Address);
        await source.SendAsync(1, 1, new Announce(owner.Id, owner.Name, Size, CopyMode.Sync, owner.Appended, owner.History().Chain, owner.Marks()));
        await source.ReceiveAsync(FrameType.Position);
        return source;
    }

    private static byte[] Batch(Volume owner, SequenceNumber after)
    {
        using var reader = owner.ReadJournal(after);
        reader.TryRead(out var item).ShouldBe(JournalStatus.Item);
        return ((JournalItem.Batch)item!).Bytes.ToArray();
    }
}
