using System.Buffers;
using Dr.Contracts.Ids;
using Dr.Contracts.Wire;

namespace Dr.Contracts.Tests.Wire;

public class FrameCodecTests
{
    private static readonly Generation SomeGeneration = new(Guid.Parse("00112233-4455-6677-8899-aabbccddeeff"));

    [Fact]
    public void The_bytes_of_a_frame_are_those_of_version_one()
    {
        var frame = WireSamples.Frame(FrameType.Batch, [1, 2, 3], stream: 7, sequence: 9, epoch: 5, SomeGeneration);

        Convert.ToHexStringLower(frame).ShouldBe(
            "44525731" + "03000000" + "06" + "00" + "0000" + "07000000" + "0900000000000000" + "0500000000000000"
            + "00112233445566778899aabbccddeeff" + "03000000" + "1ef230f1" + "00000000" + Convert.ToHexStringLower(frame.AsSpan(60, 4)) + "010203");
        BitConverter.ToUInt32(frame, FrameCodec.HeaderCrcOffset).ShouldBe(Crc32C.Compute(frame.AsSpan(0, FrameCodec.HeaderCrcOffset)));
    }

    [Fact]
    public void The_checksum_is_crc32c()
    {
        Crc32C.Compute("123456789"u8).ShouldBe(0xE3069283u);
    }

    [Fact]
    public void What_was_written_is_read_back()
    {
        var input = new ReadOnlySequence<byte>([.. WireSamples.Frame(FrameType.Ack, [9, 9], 3, 1, 2, SomeGeneration), 0x44]);

        FrameCodec.TryRead(ref input, out var header, out var payload).ShouldBe(FrameReadStatus.Frame);

        header.ShouldBe(new FrameHeader(FrameType.Ack, FrameFlags.None, 2, 3, 1, new Epoch(2), SomeGeneration, 2, Crc32C.Compute([9, 9])));
        payload.ToArray().ShouldBe([9, 9]);
        input.Length.ShouldBe(1);
    }

    [Fact]
    public void Every_type_there_is_is_taken_and_the_next_number_is_not()
    {
        foreach (var type in Enum.GetValues<FrameType>())
        {
            var input = new ReadOnlySequence<byte>(WireSamples.Frame(type, [], 3, 1, 2, SomeGeneration));
            FrameCodec.TryRead(ref input, out _, out _).ShouldBe(FrameReadStatus.Frame, type.ToString());
        }

        var unknown = new ReadOnlySequence<byte>(WireSamples.Frame(Enum.GetValues<FrameType>().Max() + 1, [], 3, 1, 2, SomeGeneration));
        FrameCodec.TryRead(ref unknown, out _, out _).ShouldNotBe(FrameReadStatus.Frame);
    }

    [Fact]
    public void Every_shorter_prefix_asks_for_more_and_takes_nothing()
    {
        var frame = WireSamples.Frame(FrameType.Ack, [1, 2, 3, 4], 3, 1, 2, SomeGeneration);
        for (var length = 0; length < frame.Length; length++)
        {
            var input = new ReadOnlySequence<byte>(frame.AsMemory(0, length));
            FrameCodec.TryRead(ref input, out _, out _).ShouldBe(FrameReadStatus.NeedMoreData);
            input.Length.ShouldBe(length);
        }
    }

    [Fact]
    public void Every_single_flipped_bit_is_found()
    {
        var frame = WireSamples.Frame(FrameType.Ack, [1, 2, 3, 4], 3, 1, 2, SomeGeneration);
        for (var bit = 0; bit < frame.Length * 8; bit++)
        {
            var damaged = (byte[])frame.Clone();
            damaged[bit / 8] ^= (byte)(1 << (bit % 8));
            var input = new ReadOnlySequence<byte>(damaged);
            FrameCodec.TryRead(ref input, out _, out _).ShouldBe(FrameReadStatus.Corrupt);
        }
    }

    [Fact]
    public void A_length_beyond_the_limit_is_refused_even_with_a_right_checksum()
    {
        var frame = WireSamples.Frame(FrameType.Ack, [1], 3, 1, 2, SomeGeneration);
        BitConverter.TryWriteBytes(frame.AsSpan(FrameCodec.PayloadLengthOffset), FrameCodec.MaxPayload + 1);
        BitConverter.TryWriteBytes(frame.AsSpan(FrameCodec.HeaderCrcOffset), Crc32C.Compute(frame.AsSpan(0, FrameCodec.HeaderCrcOffset)));
        var input = new ReadOnlySequence<byte>(frame);

        FrameCodec.TryRead(ref input, out _, out _).ShouldBe(FrameReadStatus.Corrupt);
    }

    [Fact]
    public void A_peer_that_speaks_something_else_is_refused_at_its_first_bytes()
    {
        var input = new ReadOnlySequence<byte>("GET / HTTP/1.1"u8.ToArray());

        FrameCodec.TryRead(ref input, out _, out _).ShouldBe(FrameReadStatus.Corrupt);
    }

    [Fact]
    public void A_payload_beyond_the_limit_cannot_be_written()
    {
        var header = new FrameHeader(FrameType.Batch, FrameFlags.None, 0, 1, 1, Epoch.First, SomeGeneration, 0, 0);

        Should.Throw<ArgumentOutOfRangeException>(() => FrameCodec.WriteHeader(new byte[64], header, new byte[FrameCodec.MaxPayload + 1]));
    }
}
