using System.Buffers;
using CsCheck;
using Dr.Contracts.Wire;

namespace Dr.Contracts.Tests.Wire;

public class PackedDeltaTests
{
    [Fact]
    public void The_fields_lie_as_the_document_says()
    {
        WireSamples.PackedDelta.ShouldBe([2, 0, /* gaps */ 3, 0xA8, 0x02, /* crc */ 7, 0, 0, 0, /* entries' bytes */ 6, 0, 0, 0, /* block 2, mask 1, crc */ 2, 1, 9, 0, 0, 0, /* units */ 1, 2, 3]);

        var packed = PackedDelta.Read(WireSamples.PackedDelta);
        packed.References.ShouldBe([3, 300]);
        packed.ReferencesCrc.ShouldBe(7u);
        packed.UnitsBytes.ShouldBe(512);
        packed.UnpackedBytes.ShouldBe(512);
        packed.PackedUnits.ToArray().ShouldBe([1, 2, 3]);
        var heads = packed.Heads;
        long block = -1;
        PackedDelta.TryReadHead(ref heads, ref block, out var mask, out var crc).ShouldBeTrue();
        (block, mask, crc).ShouldBe((2, (byte)1, 9u));
        PackedDelta.TryReadHead(ref heads, ref block, out _, out _).ShouldBeFalse();
    }

    [Fact]
    public void An_arranged_one_says_how_long_it_is_arranged()
    {
        WireSamples.ArrangedDelta.ShouldBe([.. WireSamples.PackedDelta[..^3], /* arranged bytes */ 3, 1, 0, 0, /* units */ 1, 2, 3]);

        var packed = PackedDelta.Read(WireSamples.ArrangedDelta, isArranged: true);
        (packed.ArrangedBytes, packed.UnpackedBytes, packed.UnitsBytes).ShouldBe((259, 259, 512));
        packed.PackedUnits.ToArray().ShouldBe([1, 2, 3]);
    }

    [Fact]
    public void What_is_written_is_read() =>
        Gen.Select(Gen.Long[0, 1L << 40].Array[0, PackedDelta.MaxReferences], Gen.UInt, Gen.Byte.Array[0, 100]).Sample((numbers, crc, units) =>
        {
            var references = numbers.Distinct().Order().ToArray();
            var payload = new ArrayBufferWriter<byte>();
            PackedDelta.Write(payload, references, crc, [], units);

            var packed = PackedDelta.Read(payload.WrittenSpan);
            packed.References.ShouldBe(references);
            packed.ReferencesCrc.ShouldBe(crc);
            packed.PackedUnits.ToArray().ShouldBe(units);
        }, iter: 2_000);

    [Fact]
    public void More_than_the_limits_allow_is_refused()
    {
        byte[] manyReferences = [1, 2, .. new byte[600]];
        Should.Throw<WireFormatException>(() => PackedDelta.Read(manyReferences)).Message.ShouldContain("513 references");

        // Entries that stand for more than a frame may hold: 1025 whole blocks.
        var heads = new byte[1025 * 6];
        for (var i = 0; i < heads.Length; i += 6)
        {
            heads[i + 1] = 0xFF;
        }

        var payload = new ArrayBufferWriter<byte>();
        PackedDelta.Write(payload, [], 0, heads, []);
        Should.Throw<WireFormatException>(() => PackedDelta.Read(payload.WrittenSpan)).Message.ShouldContain("4198400 bytes");

        var arranged = new ArrayBufferWriter<byte>();
        PackedDelta.Write(arranged, [], 0, [], [], FrameCodec.MaxPayload + 1);
        Should.Throw<WireFormatException>(() => PackedDelta.Read(arranged.WrittenSpan, isArranged: true)).Message.ShouldContain("4194305 bytes");
    }
}
