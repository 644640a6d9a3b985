using System.Buffers;
using Dr.Contracts.Ids;
using Dr.Contracts.Mqtt;
using Dr.Contracts.Wire;

namespace Dr.Contracts.Tests.Wire;

/// <summary>One filled-in example of everything that goes over the wire.</summary>
internal static class WireSamples
{
    public static readonly Guid Id = Guid.Parse("00112233-4455-6677-8899-aabbccddeeff");
    public static readonly DateTimeOffset Time = new(2026, 11, 22, 10, 5, 0, TimeSpan.Zero);
    public static readonly GenerationStart[] Chain = [new(new Generation(Id), new SequenceNumber(0))];
    public static readonly PointMark Mark = new(new PointId(0x0102030405060708), new SequenceNumber(17));
    public static readonly PointInfo Point = new() { Id = Mark.Id, Sequence = Mark.Sequence, At = Time, Consistency = PointConsistency.Application, Label = "ö", Reason = null };

    public static readonly Hello Hello = new(1, 1, Id, "prod-1", "0.1.0");
    public static readonly Heartbeat Heartbeat = new(Time, new SequenceNumber(17));
    public static readonly Announce Announce = new(new VolumeId(Id), "dilas", 4096, CopyMode.Sync, new SequenceNumber(17), Chain, [Mark]);
    public static readonly Position Position = new(VolumeRole.Demoted, new SequenceNumber(16), new SequenceNumber(15), default, Mark.Id, 3, Chain, [Mark]);
    public static readonly Rewind Rewind = new(new SequenceNumber(12));
    public static readonly PointNotice Notice = new(Point);
    public static readonly DeltaBegin DeltaBegin = new(Mark, Point, 5, Chain);
    public static readonly Commit Commit = new(Mark, Enumerable.Range(0, 32).Select(i => (byte)i).ToArray());
    public static readonly Ack Ack = new(new SequenceNumber(3), new SequenceNumber(2), new SequenceNumber(1), new PointId(5), Mark.Id, 9);
    public static readonly BlockRequest BlockRequest = new(Mark.Id, [1, 2]);
    public static readonly Refusal Refusal = new(RefusalCode.Fenced, "no", "why");
    public static readonly Detach Detach = new("removed");
    public static readonly MirrorNotice Mirror = new(7, MirrorState.Whole, LossPolicy.Degrade);

    public static readonly SizeNotice Sizes = new([new FormerSize(4096, new SequenceNumber(3), Mark.Id, Time)]);

    public static readonly MirrorNotice MirrorWithAck = Mirror with { Ack = MirrorAck.Durable };
    public static readonly FlushRequest Flush = new(new SequenceNumber(17));

    public static readonly DigestQuery DigestQuery = new(Mark, 5, 2, 64);
    public static readonly Digests Digests = new(Mark.Id, 5, 64, Enumerable.Range(0, 32).Select(i => (byte)i).ToArray());

    public static byte[] Frame(FrameType type, byte[] payload, int stream, long sequence, long epoch, Generation generation)
    {
        var frame = new byte[FrameCodec.HeaderSize + payload.Length];
        FrameCodec.WriteHeader(frame, new FrameHeader(type, FrameFlags.None, payload.Length, stream, sequence, new Epoch(epoch), generation, payload.Length, 0), payload);
        payload.CopyTo(frame, FrameCodec.HeaderSize);
        return frame;
    }

    /// <summary>One block of which the first unit differs, with two references; its units are not really compressed.</summary>
    public static byte[] PackedDelta => Packed(null);

    /// <summary>The same with units that are not really arranged either.</summary>
    public static byte[] ArrangedDelta => Packed(259);

    private static byte[] Packed(int? arrangedBytes)
    {
        var payload = new ArrayBufferWriter<byte>();
        Dr.Contracts.Wire.PackedDelta.Write(payload, [3, 300], 7, [2, 1, 9, 0, 0, 0], [1, 2, 3], arrangedBytes);
        return payload.WrittenSpan.ToArray();
    }
}
