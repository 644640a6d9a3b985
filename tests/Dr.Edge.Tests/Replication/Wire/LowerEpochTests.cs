using System.Buffers;
using System.Net;
using System.Net.Sockets;
using Dr.Contracts.Ids;
using Dr.Contracts.Mqtt;
using Dr.Contracts.Wire;
using Dr.Edge.Volumes;

namespace Dr.Edge.Tests.Replication.Wire;

/// <summary>A frame of an epoch that is over does nothing, whatever it carries, on either side. A frame type without a row here is not tested, and fails.</summary>
public sealed class LowerEpochTests : TwoNodeTest
{
    private const long Now = 5;
    private const long Over = 4;
    private const long Size = 1 << 20;

    public static TheoryData<FrameType> Types => [.. Enum.GetValues<FrameType>()];

    [Theory]
    [MemberData(nameof(Types))]
    public async Task A_copy_takes_nothing_of_a_lower_epoch(FrameType type)
    {
        // What the owner would say next, each of which has its effect at the right epoch.
        var owner = Production.Set.Create("dilas", Size);
        owner.Promote(new Epoch(Now));
        owner.WriteAt(0, [1]);
        var first = owner.Point("first");
        owner.WriteAt(8192, [2]);
        var second = owner.Point("second");
        var announce = new Announce(owner.Id, owner.Name, Size, CopyMode.Stream, owner.Appended, Chain(owner), Marks(owner));
        await using var peer = await ScriptedPeer.DialAsync(Backup.Address);
        await peer.SendAsync(1, Now, announce);
        await peer.ReceiveAsync(FrameType.Position);
        await peer.SendAsync(FrameType.Batch, 1, Now, Batches(owner, SequenceNumber.Zero, 1));
        await peer.SendAsync(1, Now, new PointNotice(first));
        await peer.ReceiveAsync(FrameType.Ack);
        var copy = Backup.Set.Get("dilas");
        await Node.Until(() => copy.Points.Count == 1, "the first point to be there");
        if (type is FrameType.Delta or FrameType.PackedDelta or FrameType.ArrangedDelta or FrameType.Commit)
        {
            await peer.SendAsync(1, Now, new DeltaBegin(new PointMark(first.Id, first.Sequence), second, 0, Chain(owner)));
            await Node.Until(() => copy.Staged is not null, "the delta to be begun");
        }

        var (state, content) = (copy.State, copy.Content());
        byte[] payload = type switch
        {
            FrameType.Hello => WireMessage.Encode(new Hello(1, 2, Guid.NewGuid(), "x", "y")),
            FrameType.Heartbeat => WireMessage.Encode(new Heartbeat(DateTimeOffset.UtcNow.AddHours(1), copy.Appended)),
            FrameType.Announce => WireMessage.Encode(announce),
            FrameType.Position => WireMessage.Encode(new Position(VolumeRole.Replica, default, default, default, default, 0, [], [])),
            FrameType.Rewind => WireMessage.Encode(new Rewind(SequenceNumber.Zero)),
            FrameType.Batch => Batches(owner, first.Sequence, 1),
            FrameType.Point => WireMessage.Encode(new PointNotice(second with { Sequence = first.Sequence })),
            FrameType.DeltaBegin => WireMessage.Encode(new DeltaBegin(new PointMark(first.Id, first.Sequence), second, 0, Chain(owner))),
            FrameType.Delta => Block(2, 7),
            FrameType.PackedDelta => PackedZeros(2, isArranged: false),
            FrameType.ArrangedDelta => PackedZeros(2, isArranged: true),
            FrameType.Commit => WireMessage.Encode(new Commit(new PointMark(second.Id, second.Sequence), owner.ContentDigest(second.Id))),
            FrameType.Ack => WireMessage.Encode(new Ack(default, default, default, default, default, 0)),
            FrameType.BlockRequest => WireMessage.Encode(new BlockRequest(second.Id, [1])),
            FrameType.Error => WireMessage.Encode(new Refusal(RefusalCode.Busy, "no", null)),
            FrameType.Detach => WireMessage.Encode(new Detach("no")),
            FrameType.Mirror => WireMessage.Encode(new MirrorNotice(9, MirrorState.Whole, LossPolicy.Stall)),
            FrameType.Lease => WireMessage.Encode(new LeaseVow(1, 6_000)),
            FrameType.Sizes => WireMessage.Encode(new SizeNotice([])),
            FrameType.DigestQuery => WireMessage.Encode(new DigestQuery(new PointMark(first.Id, first.Sequence), 0, 1, 1)),
            FrameType.Digests => WireMessage.Encode(new Digests(first.Id, 0, 1, new byte[Digests.DigestBytes])),
            FrameType.Flush => WireMessage.Encode(new FlushRequest(first.Sequence)),
            FrameType.Run => Batches(owner, first.Sequence, 1)[sizeof(uint)..],
            _ => throw new InvalidOperationException($"Say here what a {type} frame of a lower epoch must not do."),
        };
        await peer.SendAsync(type, 1, Over, payload);

        var (_, answer) = await peer.ReceiveAsync(FrameType.Error);
        WireMessage.Decode<Refusal>(answer).Code.ShouldBe(RefusalCode.Fenced);
        copy.State.ShouldBe(state, "nothing is on the disk of what it said");
        copy.ShouldHold(content);
        copy.CurrentAsOf.ShouldNotBeNull().ShouldBeLessThan(DateTimeOffset.UtcNow.AddMinutes(1));
        File.Exists(Path.Combine(copy.DirectoryPath, "mirror.json")).ShouldBeFalse();
        File.Exists(Path.Combine(copy.DirectoryPath, "vow.json")).ShouldBeFalse();
        Backup.Set.Volumes.Count.ShouldBe(1, "no tail was kept either");

        // And the owner goes on where it was.
        await peer.SendAsync(2, Now, announce);
        await peer.ReceiveAsync(FrameType.Position);
        await peer.SendAsync(FrameType.Batch, 2, Now, Batches(owner, first.Sequence, 1));
        await Node.Until(() => copy.Appended == owner.Appended, "the right epoch's batch");
        copy.ShouldHoldTheSameAs(owner);
    }

    [Theory]
    [MemberData(nameof(Types))]
    public async Task A_primary_believes_no_answer_of_a_lower_epoch(FrameType type)
    {
        var owner = Production.Set.Create("dilas", Size);
        owner.Promote(new Epoch(Now));
        owner.WriteAt(0, [1]);
        var point = owner.Point("first");
        using var listener = new TcpListener(IPAddress.Loopback, 0);
        listener.Start();
        await Production.Copies.AddAsync(owner, listener.LocalEndpoint.ToString()!, CopyMode.Stream, null, default);
        await using var peer = new ScriptedPeer(await listener.AcceptSocketAsync());
        await peer.ReceiveAsync(FrameType.Hello);
        await peer.GreetAsync();
        var (announced, _) = await peer.ReceiveAsync(FrameType.Announce);
        var everything = new Position(VolumeRole.Replica, owner.Appended, owner.Appended, default, default, 0, Chain(owner), Marks(owner));
        byte[] payload = type switch
        {
            FrameType.Position => WireMessage.Encode(everything),
            FrameType.Ack => WireMessage.Encode(new Ack(owner.Appended, owner.Appended, owner.Appended, point.Id, default, 0)),
            FrameType.BlockRequest => WireMessage.Encode(new BlockRequest(point.Id, [0])),
            FrameType.Digests => WireMessage.Encode(new Digests(point.Id, 0, 1, new byte[Digests.DigestBytes])),
            FrameType.Lease => WireMessage.Encode(new LeaseVow(1, 6_000)),
            FrameType.Mirror => WireMessage.Encode(new MirrorNotice(long.MaxValue, MirrorState.OutOfDate, LossPolicy.Degrade)),

            // Ends the stream and does nothing else: who refuses may know of no epoch at all.
            FrameType.Error => WireMessage.Encode(new Refusal(RefusalCode.Busy, "no", null)),

            // None of these belongs on a source; the epoch is looked at first all the same.
            FrameType.Hello or FrameType.Heartbeat or FrameType.Announce or FrameType.Rewind or FrameType.Batch or FrameType.Point or FrameType.DeltaBegin or FrameType.Delta or FrameType.PackedDelta or FrameType.ArrangedDelta or FrameType.Commit
                or FrameType.Detach or FrameType.Sizes or FrameType.DigestQuery or FrameType.Flush or FrameType.Run => [],
            _ => throw new InvalidOperationException($"Say here what a {type} frame of a lower epoch must not do."),
        };
        await peer.SendAsync(type, announced.Stream, Over, payload);

        // The stream has ended, nothing was sent on the strength of it, and the next attempt asks again.
        (FrameHeader Header, byte[] Payload) next;
        do
        {
            next = (await peer.ReceiveAsync()).ShouldNotBeNull();
            next.Header.Type.ShouldBeOneOf(FrameType.Announce, FrameType.Sizes, FrameType.Mirror);
        }
        while (next.Header.Type != FrameType.Announce);

        next.Header.Stream.ShouldNotBe(announced.Stream);
        Production.Copies.Of(owner)[0].Progress.Durable.ShouldBe(SequenceNumber.Zero);
        owner.Role.ShouldBe(VolumeRole.Primary);

        // At the right epoch the same position is believed.
        await peer.SendAsync(next.Header.Stream, Now, everything);
        await Node.Until(() => Production.Copies.Of(owner)[0].Progress.Durable == owner.Appended, "the right epoch's answer");
    }

    private static GenerationStart[] Chain(Volume volume) => [.. volume.Generations.Select(g => new GenerationStart(g.Generation, g.After))];

    private static PointMark[] Marks(Volume volume) => [.. volume.Points.Select(p => new PointMark(p.Id, p.Sequence))];

    private static byte[] Batches(Volume volume, SequenceNumber after, int count)
    {
        var payload = new ArrayBufferWriter<byte>();
        using var reader = volume.ReadJournal(after);
        while (count > 0 && reader.TryRead(out var item) == JournalStatus.Item)
        {
            if (item is JournalItem.Batch batch)
            {
                BatchCodec.Append(payload, batch.Bytes.Span);
                count--;
            }
        }

        return payload.WrittenSpan.ToArray();
    }

    private static byte[] PackedZeros(long block, bool isArranged)
    {
        long previous = -1;
        var heads = new ArrayBufferWriter<byte>();
        DeltaCodec.Append(heads, ref previous, block, 0, new byte[DeltaCodec.BlockBytes]);
        var payload = new ArrayBufferWriter<byte>();
        PackedDelta.Write(payload, [], 0, heads.WrittenSpan, [], isArranged ? 0 : null);
        return payload.WrittenSpan.ToArray();
    }

    private static byte[] Block(long block, byte fill)
    {
        var payload = new ArrayBufferWriter<byte>();
        long previous = -1;
        DeltaCodec.Append(payload, ref previous, block, 0xFF, Enumerable.Repeat(fill, DeltaCodec.BlockBytes).ToArray());
        return payload.WrittenSpan.ToArray();
    }
}
