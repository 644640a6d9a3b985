using System.Buffers;
using System.Numerics;
using CsCheck;
using Dr.Contracts.Wire;

namespace Dr.Contracts.Tests.Wire;

public class DeltaCodecTests
{
    [Fact]
    public void Only_the_units_that_differ_are_sent()
    {
        var before = new byte[4096];
        var after = new byte[4096];
        after[0] = 1;
        after[4095] = 2;
        var output = new ArrayBufferWriter<byte>();
        long previous = -1;

        DeltaCodec.Append(output, ref previous, 200, before, after).ShouldBe(2);

        output.WrittenCount.ShouldBe(2 + 1 + 4 + (2 * 512));
        output.WrittenSpan[..3].ToArray().ShouldBe([0xC8, 0x01, 0x81]);
        BitConverter.ToUInt32(output.WrittenSpan[3..]).ShouldBe(Crc32C.Compute(after));
        previous.ShouldBe(200);
    }

    [Fact]
    public void An_equal_block_is_not_sent_at_all()
    {
        var output = new ArrayBufferWriter<byte>();
        long previous = 4;

        DeltaCodec.Append(output, ref previous, 200, new byte[4096], new byte[4096]).ShouldBe(0);

        output.WrittenCount.ShouldBe(0);
        previous.ShouldBe(4);
    }

    [Fact]
    public void A_block_that_became_zeros_carries_no_data()
    {
        var before = Enumerable.Repeat((byte)7, 4096).ToArray();
        var output = new ArrayBufferWriter<byte>();
        long previous = -1;

        DeltaCodec.Append(output, ref previous, 0, before, new byte[4096]).ShouldBe(8);

        output.WrittenCount.ShouldBe(6);
        Merge(output.WrittenMemory, before).ShouldBe(new byte[4096]);
    }

    [Fact]
    public void Merging_gives_the_new_content_or_says_that_the_base_was_wrong()
    {
        Gen.Select(Gen.Byte.Array[4096], Gen.Int[0, 4095].Array[0, 12], Gen.Long[0, long.MaxValue / 4096], Gen.Bool).Sample((before, changes, block, wrongBase) =>
        {
            var after = (byte[])before.Clone();
            foreach (var change in changes)
            {
                after[change] ^= 0x55;
            }

            var output = new ArrayBufferWriter<byte>();
            long previous = -1;
            var units = DeltaCodec.Append(output, ref previous, block, before, after);
            if (units is 0 or 8)
            {
                return;
            }

            var payload = output.WrittenSpan;
            long read = -1;
            DeltaCodec.TryRead(ref payload, ref read, out var entry).ShouldBeTrue();
            entry.Block.ShouldBe(block);
            payload.IsEmpty.ShouldBeTrue();

            var content = (byte[])before.Clone();
            var unsent = BitOperations.TrailingZeroCount((byte)~entry.Mask);
            if (wrongBase)
            {
                content[unsent * 512] ^= 1;
            }

            entry.TryMerge(content).ShouldBe(!wrongBase);
            content.AsSpan().SequenceEqual(after).ShouldBe(!wrongBase);
        }, iter: 2_000);
    }

    [Fact]
    public void Many_blocks_in_one_payload_come_back_in_order()
    {
        Gen.Long[0, 1_000_000_000].Array[1, 40].Sample(numbers =>
        {
            var blocks = numbers.Distinct().Order().ToArray();
            var output = new ArrayBufferWriter<byte>();
            long previous = -1;
            foreach (var block in blocks)
            {
                DeltaCodec.Append(output, ref previous, block, (byte)(1 << (int)(block % 8)), new byte[4096]);
            }

            var payload = output.WrittenSpan;
            var read = new List<long>();
            previous = -1;
            while (DeltaCodec.TryRead(ref payload, ref previous, out var entry))
            {
                read.Add(entry.Block);
            }

            read.ShouldBe(blocks);
        }, iter: 1_000);
    }

    private static byte[] Merge(ReadOnlyMemory<byte> payload, byte[] before)
    {
        var content = (byte[])before.Clone();
        var rest = payload.Span;
        long previous = -1;
        while (DeltaCodec.TryRead(ref rest, ref previous, out var entry))
        {
            entry.TryMerge(content).ShouldBeTrue();
        }

        return content;
    }
}
