using System.Buffers.Binary;
using System.Security.Cryptography;
using Dr.Contracts.Mqtt;
using Dr.Edge.Volumes;
using Dr.Edge.Volumes.Digests;
using Dr.Edge.Volumes.Format;

namespace Dr.Edge.Tests.Volumes.Digests;

/// <summary>Both digests against what the document says, made again from nothing but the content, wherever it lies: head, sealed layers, base, a clone's parent.</summary>
public sealed class PointDigestTests : IDisposable
{
    private const int Size = 6 << 20; // Three leaves of the map.
    private readonly StoreFixture _store = new();

    public void Dispose() => _store.Dispose();

    [Fact]
    public async Task Digests_are_made_of_what_a_point_holds_wherever_it_lies()
    {
        var volume = _store.Set.Create("v", Size);
        for (var round = 0; round < 6; round++)
        {
            Scribble(volume, round);
            ShouldBeOfItsContent(volume, volume.CreatePoint(null, PointConsistency.Crash, null));
        }

        // Into the base, so that some blocks are there, some in layers, and some zeroed in a layer above a base that has data.
        foreach (var point in volume.Points.Take(4).ToArray())
        {
            volume.DeletePoint(point.Id);
        }

        await _store.Set.Maintenance.DrainAsync();
        (volume.State.BaseBlocks > 0).ShouldBeTrue("the test is about a base that has blocks");
        foreach (var point in volume.Points)
        {
            ShouldBeOfItsContent(volume, point);
        }

        var clone = _store.Set.CreateClone(volume, volume.Points[^1].Id, "c");
        Scribble(clone, 77);
        ShouldBeOfItsContent(clone, clone.CreatePoint(null, PointConsistency.Crash, null));
    }

    [Fact]
    public void A_difference_in_any_one_block_is_a_difference_of_both_digests()
    {
        var volume = _store.Set.Create("v", Size);
        Scribble(volume, 1);
        var random = new Random(3);
        var seen = new Dictionary<string, int>();
        for (var i = 0; i < 40; i++)
        {
            // One byte of one block at a time: each state is another.
            var at = random.Next(Size);
            StoreFixture.Write(volume, at, [(byte)(StoreFixture.ReadAll(volume)[at] + 1)]);
            var point = volume.CreatePoint(null, PointConsistency.Crash, null);
            foreach (var kind in Enum.GetValues<DigestKind>())
            {
                seen.TryAdd(kind + Convert.ToHexString(volume.ContentDigest(point.Id, kind)), i).ShouldBeTrue($"{kind} after change {i} is what it was before");
            }
        }
    }

    [Fact]
    public void Written_zeros_and_holes_are_the_same_and_so_is_a_block_that_moved()
    {
        var (one, other) = (_store.Set.Create("one", Size), _store.Set.Create("other", Size));
        StoreFixture.Write(one, 8192, StoreFixture.Pattern(4096, 5));
        StoreFixture.Write(one, 65536, new byte[40960]);
        StoreFixture.Write(other, 8192, StoreFixture.Pattern(4096, 6));
        StoreFixture.Write(other, 8192, StoreFixture.Pattern(4096, 5));
        foreach (var kind in Enum.GetValues<DigestKind>())
        {
            one.ContentDigest(one.CreatePoint(null, PointConsistency.Crash, null).Id, kind)
                .ShouldBe(other.ContentDigest(other.CreatePoint(null, PointConsistency.Crash, null).Id, kind), $"{kind}");
        }
    }

    private static void Scribble(Volume volume, int seed)
    {
        var random = new Random(seed);
        for (var i = 0; i < 60; i++)
        {
            var offset = random.Next(Size - 70_000);
            switch (random.Next(4))
            {
                case 0:
                    StoreFixture.Zero(volume, offset, random.Next(1, 70_000));
                    break;
                case 1:
                    StoreFixture.Write(volume, offset, new byte[random.Next(1, 70_000)]);
                    break;
                default:
                    StoreFixture.Write(volume, offset, StoreFixture.Pattern(random.Next(1, 30_000), random.Next()));
                    break;
            }
        }
    }

    private static void ShouldBeOfItsContent(Volume volume, PointInfo point)
    {
        using var view = volume.OpenView(point.Id);
        var content = StoreFixture.ReadAll(view);
        volume.ContentDigest(point.Id).ShouldBe(Expected("DRDIGEST"u8, content, data => data.ToArray()), $"content of point {point.Id}");
        volume.ContentDigest(point.Id, DigestKind.Checksums).ShouldBe(Expected("DRCHECKS"u8, content, Checksum), $"checksums of point {point.Id}");
    }

    private static byte[] Expected(ReadOnlySpan<byte> name, byte[] content, Func<ArraySegment<byte>, byte[]> entryOf)
    {
        var text = new MemoryStream();
        Span<byte> number = stackalloc byte[8];
        text.Write(name);
        BinaryPrimitives.WriteInt64LittleEndian(number, content.Length);
        text.Write(number);
        for (var block = 0; block < content.Length / 4096; block++)
        {
            var data = new ArraySegment<byte>(content, block * 4096, 4096);
            if (data.Any(b => b != 0))
            {
                BinaryPrimitives.WriteInt64LittleEndian(number, block);
                text.Write(number);
                text.Write(entryOf(data));
            }
        }

        return SHA256.HashData(text.ToArray());
    }

    private static byte[] Checksum(ArraySegment<byte> data)
    {
        var bytes = new byte[4];
        BinaryPrimitives.WriteUInt32LittleEndian(bytes, Crc32C.Compute(data));
        return bytes;
    }
}
