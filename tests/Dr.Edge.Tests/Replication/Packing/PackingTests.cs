using System.Buffers;
using CsCheck;
using Dr.Contracts.Errors;
using Dr.Contracts.Wire;
using Dr.Edge.Replication.Packing;

namespace Dr.Edge.Tests.Replication.Packing;

/// <summary>Parts of a delta, packed against a base and unpacked with the same one or another.</summary>
public class PackingTests
{
    private const int Block = DeltaCodec.BlockBytes;

    // Blocks of rows in the base; the delta brings rows of any of them to any place, shifted, and some that are new.
    private static readonly Gen<(byte[][] Base, byte[] Payload)> Cases = Gen.Select(Gen.Int[1, 12], Gen.Int, Gen.Int[1, 8]).Select((blocks, seed, changes) =>
    {
        var random = new Random(seed);
        var content = Enumerable.Range(0, blocks).Select(_ => Rows(random)).ToArray();
        var payload = new ArrayBufferWriter<byte>();
        long previous = -1;
        foreach (var place in Enumerable.Range(0, blocks).Where(_ => random.Next(3) > 0))
        {
            var now = random.Next(6) == 0 ? new byte[Block] : (byte[])content[place].Clone();
            for (var i = 0; i < changes && random.Next(8) > 0; i++)
            {
                var (to, length) = (random.Next(Block - 200), random.Next(1, 200));
                content[random.Next(blocks)].AsSpan(random.Next(Block - 200), length).CopyTo(now.AsSpan(to));
            }

            DeltaCodec.Append(payload, ref previous, place, content[place], now);
        }

        return (content, payload.WrittenSpan.ToArray());
    });

    [Fact]
    public void What_was_packed_comes_out_as_it_was_or_the_base_is_said_to_be_another() =>
        Gen.Select(Cases, Gen.Bool, Gen.Int).Sample((given, damaged, at) =>
        {
            var (content, payload) = given;
            using var packer = new DeltaPacker(Index(content), Reader(content), arranges: true);
            var packed = packer.Pack(payload).Payload.ToArray();
            var references = PackedDelta.Read(packed).References;
            var theirs = content.Select(b => (byte[])b.Clone()).ToArray();
            var isOther = damaged && references.Length > 0;
            if (isOther)
            {
                theirs[references[(at & int.MaxValue) % references.Length]][(at >> 8) & (Block - 1)] ^= 1;
            }

            using var unpacker = new DeltaUnpacker(Reader(theirs));
            unpacker.TryUnpack(PackedDelta.Read(packed), out var unpacked).ShouldBe(!isOther);
            if (!isOther)
            {
                unpacked.SequenceEqual(payload).ShouldBeTrue();
            }
        }, iter: 3_000);

    [Fact]
    public void A_damaged_part_is_refused_and_nothing_else() =>
        Gen.Select(Cases, Gen.Int[0, 100_000], Gen.Byte).Sample((given, at, value) =>
        {
            var (content, payload) = given;
            using var packer = new DeltaPacker(Index(content), Reader(content), arranges: true);
            var packed = packer.Pack(payload).Payload.ToArray();
            packed[at % packed.Length] = value;
            using var unpacker = new DeltaUnpacker((block, to) => (block < content.Length ? content[block] : new byte[Block]).CopyTo(to));
            try
            {
                unpacker.TryUnpack(PackedDelta.Read(packed), out _);
            }
            catch (WireFormatException)
            {
                // The one allowed way to refuse.
            }
        }, iter: 3_000);

    [Fact]
    public void A_block_of_the_base_that_cannot_be_read_makes_it_another_base()
    {
        var content = new[] { Rows(new Random(1)), Rows(new Random(2)) };
        var payload = new ArrayBufferWriter<byte>();
        long previous = -1;
        DeltaCodec.Append(payload, ref previous, 1, content[1], content[0]);
        using var packer = new DeltaPacker(Index(content), Reader(content), arranges: true);
        var packed = packer.Pack(payload.WrittenSpan).Payload.ToArray();
        PackedDelta.Read(packed).References.ShouldContain(0);

        using var unpacker = new DeltaUnpacker((_, _) => throw new CorruptDataException("base", 0, "this", "that"));
        unpacker.TryUnpack(PackedDelta.Read(packed), out _).ShouldBeFalse();
    }

    [Fact]
    public void Pages_that_stand_in_the_base_elsewhere_cost_next_to_nothing()
    {
        var random = new Random(3);
        var content = new byte[64][];
        for (var i = 0; i < content.Length; i++)
        {
            random.NextBytes(content[i] = new byte[Block]);
        }

        // As a log does: the base's pages, out of order, each behind a head of its own and none at the start of a block.
        var log = new byte[32 * (Block + 24)];
        for (var i = 0; i < 32; i++)
        {
            random.NextBytes(log.AsSpan(i * (Block + 24), 24));
            content[(i * 7) % 64].CopyTo(log, (i * (Block + 24)) + 24);
        }

        var payload = new ArrayBufferWriter<byte>();
        long previous = -1;
        for (var i = 0; i < 32; i++)
        {
            DeltaCodec.Append(payload, ref previous, 100 + i, new byte[Block], log.AsSpan(i * Block, Block));
        }

        using var packer = new DeltaPacker(Index(content), Reader(content), arranges: true);
        packer.Pack(payload.WrittenSpan).Payload.Length.ShouldBeLessThan(payload.WrittenCount / 20);
    }

    [Fact]
    public void Content_that_begins_like_a_trained_dictionary_is_content()
    {
        var content = new[] { Rows(new Random(1)) };
        byte[] magic = [0x37, 0xA4, 0x30, 0xEC];
        magic.CopyTo(content[0], 0);
        var now = (byte[])content[0].Clone();
        now[^1] ^= 1;
        var payload = new ArrayBufferWriter<byte>();
        long previous = -1;
        DeltaCodec.Append(payload, ref previous, 0, 0xFF, now);
        using var packer = new DeltaPacker(Index(content), Reader(content), arranges: true);
        using var unpacker = new DeltaUnpacker(Reader(content));

        unpacker.TryUnpack(PackedDelta.Read(packer.Pack(payload.WrittenSpan).Payload.Span), out var unpacked).ShouldBeTrue();
        unpacked.SequenceEqual(payload.WrittenSpan).ShouldBeTrue();
    }

    [Fact]
    public void Anchors_stand_where_the_content_stands()
    {
        var content = Rows(new Random(4));
        var (here, there) = (new ulong[Block], new ulong[Block]);
        var count = ContentAnchors.Find(content, 5, here);
        var moved = ContentAnchors.Find([.. new byte[17], .. content, 1, 2, 3], 5, there);

        count.ShouldBeGreaterThan(20);
        here.AsSpan(0, count).ToArray().Except(there.AsSpan(0, moved).ToArray()).Count().ShouldBeLessThan(3, "only those whose 32 bytes reach beyond its start");
    }

    private static byte[] Rows(Random random)
    {
        var block = new byte[Block];
        for (var at = 0; at < Block; at += 128)
        {
            random.NextBytes(block.AsSpan(at, 40));
            block.AsSpan(at + 40, 88).Fill((byte)' ');
        }

        return block;
    }

    private static ReferenceIndex Index(byte[][] content)
    {
        var index = new ReferenceIndex(content.Length);
        for (var i = 0; i < content.Length; i++)
        {
            index.Add(i, content[i]);
        }

        return index;
    }

    private static Action<long, Span<byte>> Reader(byte[][] content) => (block, destination) => content[block].CopyTo(destination);
}
