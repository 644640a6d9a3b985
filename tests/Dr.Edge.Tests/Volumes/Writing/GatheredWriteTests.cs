using Dr.Edge.Volumes;
using Dr.Edge.Volumes.Disk;
using Dr.Edge.Volumes.Writing;

namespace Dr.Edge.Tests.Volumes.Writing;

public sealed class GatheredWriteTests
{
    [Fact]
    public void Any_mixture_of_large_and_small_changes_reads_back_as_an_array_would()
    {
        using var store = new StoreFixture();
        const int size = 512 * 4096;
        var volume = store.Set.Create("v", size);
        var oracle = new byte[size];
        var random = new Random(11);
        for (var round = 0; round < 120; round++)
        {
            var extents = new List<WriteExtent>();
            for (var i = random.Next(1, 6); i > 0; i--)
            {
                var blocks = random.Next(1, 100);
                var offset = random.Next(0, 512 - blocks) * 4096;
                var length = blocks * 4096;
                if (round % 5 == 0)
                {
                    (offset, length) = (offset + 512, length - 1024);
                }

                if (random.Next(5) == 0)
                {
                    extents.Add(new WriteExtent(offset, length, ExtentKind.Zero, default));
                    oracle.AsSpan(offset, length).Clear();
                }
                else
                {
                    var data = StoreFixture.Pattern(length, (round * 10) + i);
                    extents.Add(new WriteExtent(offset, length, ExtentKind.Data, data));
                    data.CopyTo(oracle, offset);
                }
            }

            volume.Write([.. extents], forceUnitAccess: round % 7 == 0);
        }

        StoreFixture.ReadAll(volume).AsSpan().SequenceEqual(oracle).ShouldBeTrue();
        new Verifier(volume, (_, _) => { }, CancellationToken.None).Run(null, null).Bad.ShouldBeEmpty();
        store.Crash();
        StoreFixture.ReadAll(store.Set.Get("v")).AsSpan().SequenceEqual(oracle).ShouldBeTrue();
    }

    [Fact]
    public void More_pieces_than_one_system_call_takes_are_all_written()
    {
        var directory = Directory.CreateTempSubdirectory("dr-gather-").FullName;
        try
        {
            using var file = DurableFile.Open(Path.Combine(directory, "f"), FileMode.Create, StoreFaults.None);
            var list = new GatherList();
            var expected = StoreFixture.Pattern(100, 0).ToList();
            for (var i = 0; i < 2500; i++)
            {
                var piece = StoreFixture.Pattern(1 + (i % 700), i);
                list.Add(piece);
                expected.AddRange(piece);
            }

            file.TryWriteGathered(expected.Take(100).ToArray(), list, 5).ShouldBe(0);
            list.Clear();
            list.Count.ShouldBe(0);
            var actual = new byte[expected.Count];
            file.ReadExactly(actual, 5);
            actual.ShouldBe(expected);
            file.Length.ShouldBe(expected.Count + 5);
        }
        finally
        {
            Directory.Delete(directory, recursive: true);
        }
    }
}
