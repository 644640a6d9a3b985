using System.Buffers;
using CsCheck;
using Dr.Contracts.Wire;

namespace Dr.Contracts.Tests.Wire;

/// <summary>Whatever a peer sends: a refusal with a reason, never another exception, never more memory than the limits allow.</summary>
public class WireFuzzTests
{
    private static readonly Action<byte[]>[] Decoders =
    [
        p => WireMessage.Decode<Hello>(p), p => WireMessage.Decode<Heartbeat>(p), p => WireMessage.Decode<Announce>(p), p => WireMessage.Decode<Position>(p),
        p => WireMessage.Decode<Rewind>(p), p => WireMessage.Decode<PointNotice>(p), p => WireMessage.Decode<DeltaBegin>(p), p => WireMessage.Decode<Commit>(p),
        p => WireMessage.Decode<Ack>(p), p => WireMessage.Decode<BlockRequest>(p), p => WireMessage.Decode<Refusal>(p), p => WireMessage.Decode<Detach>(p), p => WireMessage.Decode<MirrorNotice>(p), p => WireMessage.Decode<LeaseVow>(p),
        p => WireMessage.Decode<SizeNotice>(p), p => WireMessage.Decode<DigestQuery>(p), p => WireMessage.Decode<Digests>(p), ReadDelta, ReadBatches, p => PackedDelta.Read(p), p => PackedDelta.Read(p, isArranged: true),
    ];

    private static readonly byte[][] Seeds =
    [
        WireMessage.Encode(WireSamples.Hello), WireMessage.Encode(WireSamples.Heartbeat), WireMessage.Encode(WireSamples.Announce), WireMessage.Encode(WireSamples.Position),
        WireMessage.Encode(WireSamples.Rewind), WireMessage.Encode(WireSamples.Notice), WireMessage.Encode(WireSamples.DeltaBegin), WireMessage.Encode(WireSamples.Commit),
        WireMessage.Encode(WireSamples.Ack), WireMessage.Encode(WireSamples.BlockRequest), WireMessage.Encode(WireSamples.Refusal), WireMessage.Encode(WireSamples.Detach), WireMessage.Encode(WireSamples.Mirror),
        WireMessage.Encode(WireSamples.Sizes), WireMessage.Encode(WireSamples.DigestQuery), WireMessage.Encode(WireSamples.Digests), WireSamples.PackedDelta, WireSamples.ArrangedDelta, WireMessage.Encode(WireSamples.MirrorWithAck), WireMessage.Encode(WireSamples.Flush),
    ];

    [Fact]
    public void Random_payloads_are_refused_and_nothing_else() =>
        Gen.Select(Gen.Int[0, Decoders.Length - 1], Gen.Byte.Array[0, 200]).Sample((decoder, bytes) => Try(decoder, bytes), iter: 20_000);

    [Fact]
    public void Damaged_messages_are_read_or_refused_and_nothing_else() =>
        Gen.Select(Gen.Int[0, Decoders.Length - 1], Gen.Int[0, Seeds.Length - 1], Gen.Int[0, 300], Gen.Byte, Gen.Int[0, 300]).Sample((decoder, seed, at, value, cut) =>
        {
            var bytes = Seeds[seed].ToArray();
            if (at < bytes.Length)
            {
                bytes[at] = value;
            }

            Try(decoder, cut < bytes.Length ? bytes[..cut] : bytes);
        }, iter: 20_000);

    [Fact]
    public void Random_frames_never_throw() =>
        Gen.Byte.Array[0, 300].Sample(bytes =>
        {
            var input = new ReadOnlySequence<byte>([.. "DRW1"u8, .. bytes]);
            FrameCodec.TryRead(ref input, out _, out _).ShouldNotBe(FrameReadStatus.Frame);
        }, iter: 20_000);

    private static void Try(int decoder, byte[] bytes)
    {
        try
        {
            Decoders[decoder](bytes);
        }
        catch (WireFormatException)
        {
            // The one allowed way to refuse.
        }
    }

    private static void ReadDelta(byte[] bytes)
    {
        ReadOnlySpan<byte> payload = bytes;
        long previous = -1;
        while (DeltaCodec.TryRead(ref payload, ref previous, out _))
        {
        }
    }

    private static void ReadBatches(byte[] bytes)
    {
        ReadOnlyMemory<byte> payload = bytes;
        while (BatchCodec.TryRead(ref payload, out _))
        {
        }
    }
}
