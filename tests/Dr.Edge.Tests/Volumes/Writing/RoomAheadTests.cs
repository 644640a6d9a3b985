using Dr.Edge.Volumes;
using Dr.Edge.Volumes.Format;
using Dr.Edge.Volumes.Writing;

namespace Dr.Edge.Tests.Volumes.Writing;

public sealed class RoomAheadTests
{
    [Fact]
    public void Small_flushes_make_room_and_large_ones_end_the_pattern()
    {
        var room = default(RoomAhead);
        var tail = 0L;
        for (var i = 1; i < RoomAhead.FlushesForRoom; i++)
        {
            room.AtFlush(1, tail += 4096, 0).ShouldBe(0, $"after {i} flushes");
        }

        room.AtFlush(1, tail += 4096, 0).ShouldBe(RoomAhead.ChunkBytes);
        var end = tail + RoomAhead.ChunkBytes;
        room.AtFlush(1, tail += 4096, end).ShouldBe(0, "there is room");
        room.AtFlush(2, 4096, 0).ShouldBe(RoomAhead.ChunkBytes, "the pattern goes on in a new head, which has no room yet");
        room.AtFlush(2, 4096 + RoomAhead.SmallFlushBytes + 1, 0).ShouldBe(0, "that was a copy, not a log");
    }

    [Fact]
    public void A_burst_of_whole_pages_now_and_then_leaves_a_log_its_room()
    {
        var room = default(RoomAhead);
        var (tail, end, caught) = (0L, 0L, 0);
        for (var flush = 0; flush < 1000; flush++)
        {
            // What PostgreSQL's commits look like while a checkpoint is not long ago.
            var small = flush % 8 != 7;
            tail += small ? 8312 : 4 * RoomAhead.SmallFlushBytes;
            caught += small && flush > RoomAhead.FlushesForRoom * 2 && tail > end ? 1 : 0;
            var bytes = room.AtFlush(1, tail, end);
            end = bytes > 0 ? Math.Max(tail, end) + bytes : end;
        }

        caught.ShouldBe(0, "small flushes that had to make the file longer");
    }

    [Fact]
    public void Room_is_made_before_a_small_flush_could_be_caught_without()
    {
        var random = new Random(7);
        for (var round = 0; round < 200; round++)
        {
            var room = default(RoomAhead);
            var (tail, end) = (0L, 0L);
            for (var flush = 0; flush < 300; flush++)
            {
                tail += 1 + random.Next(RoomAhead.SmallFlushBytes);
                if (flush > RoomAhead.FlushesForRoom)
                {
                    end.ShouldBeGreaterThanOrEqualTo(tail, $"round {round}, flush {flush}");
                }

                var bytes = room.AtFlush(1, tail, end);
                end = bytes > 0 ? Math.Max(tail, end) + bytes : end;
            }
        }
    }

    [Fact]
    public async Task Room_in_the_file_is_no_content_and_is_gone_after_a_crash_and_in_a_sealed_layer()
    {
        using var store = new StoreFixture(fineWindow: TimeSpan.FromHours(1));
        var volume = store.Set.Create("v", 64 * 4096);
        for (var i = 0; i < 2 * RoomAhead.FlushesForRoom; i++)
        {
            StoreFixture.Write(volume, i * 4096, StoreFixture.Pattern(4096, i), fua: true);
        }

        var head = Directory.EnumerateFiles(volume.DirectoryPath, "1.log", SearchOption.AllDirectories).Single();
        var batches = LayerHeader.SizeBytes + (2L * RoomAhead.FlushesForRoom * (BatchHeader.SizeBytes + BatchHeader.DescriptorBytes + BatchHeader.ChecksumBytes + 4096));
        new FileInfo(head).Length.ShouldBeGreaterThanOrEqualTo(batches + RoomAhead.LeastRoomBytes);
        var before = StoreFixture.ReadAll(volume);

        store.Crash();
        volume = store.Set.Get("v");
        volume.Fault.ShouldBeNull();
        StoreFixture.ReadAll(volume).ShouldBe(before);
        head = Directory.EnumerateFiles(volume.DirectoryPath, "1.log", SearchOption.AllDirectories).Single();
        new FileInfo(head).Length.ShouldBe(batches);

        for (var i = 0; i < 2 * RoomAhead.FlushesForRoom; i++)
        {
            StoreFixture.Write(volume, i * 4096, StoreFixture.Pattern(4096, 100 + i), fua: true);
        }

        new FileInfo(head).Length.ShouldBeGreaterThan(batches * 2);
        volume.CreatePoint(null, default, null);
        await store.Set.Maintenance.DrainAsync();

        // Behind the batches lie the index and the record's copy, which need less than the least room.
        new FileInfo(head).Length.ShouldBeLessThan((batches * 2) + RoomAhead.LeastRoomBytes);
    }

    [Fact]
    public void A_batch_torn_inside_its_room_is_cut_with_everything_behind_it()
    {
        using var store = new StoreFixture();
        var volume = store.Set.Create("v", 64 * 4096);
        for (var i = 0; i < 2 * RoomAhead.FlushesForRoom; i++)
        {
            StoreFixture.Write(volume, i * 4096, StoreFixture.Pattern(4096, i), fua: true);
        }

        var durable = StoreFixture.ReadAll(volume);
        var end = volume.AllocatedBytes;
        StoreFixture.Write(volume, 0, StoreFixture.Pattern(4096, 1000));
        StoreFixture.Write(volume, 4096, StoreFixture.Pattern(4096, 1001));

        // The first of the two did not reach the disk whole; the second did.
        store.Crash(directory =>
        {
            var head = Directory.EnumerateFiles(directory, "1.log", SearchOption.AllDirectories).Single();
            using var file = File.OpenWrite(head);
            file.Position = end + 2000;
            file.Write(new byte[512]);
        });
        volume = store.Set.Get("v");
        volume.Fault.ShouldBeNull();
        StoreFixture.ReadAll(volume).ShouldBe(durable);
    }
}
