using Dr.Edge.Volumes;

namespace Dr.Edge.Tests.Volumes.Writing;

public sealed class AllocationTests
{
    [Theory]
    [InlineData(4096, false)]
    [InlineData(4096, true)]
    [InlineData(262144, false)]
    [InlineData(512, false)]
    public void Writing_reading_and_flushing_allocate_nothing(int length, bool flush)
    {
        const int size = 16 * 1024 * 1024;
        using var store = new StoreFixture();
        var volume = store.Set.Create("v", size);
        WriteExtent[] extents = [new(0, length, ExtentKind.Data, GC.AllocateArray<byte>(length, pinned: true))];
        var buffer = new byte[length];

        // Every block has been written once: what the map needs for a block is there, and everything is compiled.
        volume.Write([new(0, size, ExtentKind.Data, new byte[size])], forceUnitAccess: true);
        Work(100);
        Allocated.Least(() => Work(100)).ShouldBe(0);

        void Work(int rounds)
        {
            for (var i = 0; i < rounds; i++)
            {
                var offset = (long)(i * 7919 % (size / length)) * length;
                extents[0] = extents[0] with { Offset = offset };
                volume.Write(extents, forceUnitAccess: flush && i % 2 == 0);
                volume.Read(offset, buffer);
                if (flush)
                {
                    volume.FlushAhead();
                    volume.Flush();
                }
            }
        }
    }
}
