using CsCheck;
using Dr.Edge.Nbd;

namespace Dr.Edge.Tests.Nbd;

public sealed class ByteBufferTests
{
    [Fact]
    public void Bytes_come_out_as_they_went_in_whatever_is_moved_grown_and_trimmed() =>
        Gen.Select(Gen.Int[0, 3], Gen.Int[1, 200_000]).List[1, 60].Sample(
            steps =>
            {
                using var buffer = new ByteBuffer(new LargeBufferPool(1));
                var (written, read) = (0, 0);
                foreach (var (kind, size) in steps)
                {
                    switch (kind)
                    {
                        case 0 or 1:
                            buffer.TryReserve(size).ShouldBeTrue();
                            var free = buffer.Free;
                            for (var index = 0; index < size; index++)
                            {
                                free[index] = (byte)(written + index);
                            }

                            buffer.Added(size);
                            written += size;
                            break;
                        case 2:
                            var taken = Math.Min(size, buffer.Count);
                            var filled = buffer.Filled;
                            for (var index = 0; index < taken; index++)
                            {
                                if (filled[index] != (byte)(read + index))
                                {
                                    return false;
                                }
                            }

                            buffer.Take(taken);
                            read += taken;
                            break;
                        default:
                            buffer.Trim(idle: true);
                            break;
                    }
                }

                return buffer.Count == written - read;
            },
            iter: 100);

    [Fact]
    public void Large_requests_take_from_the_shared_pool_and_give_back()
    {
        var pool = new LargeBufferPool(1);
        using var first = new ByteBuffer(pool);
        using var second = new ByteBuffer(pool);

        first.TryReserve(NbdLimits.MaxPayloadBytes).ShouldBeTrue();
        second.TryReserve(NbdLimits.MaxPayloadBytes).ShouldBeFalse();
        second.TryReserve(NbdLimits.BusyBufferBytes).ShouldBeTrue();

        first.Trim(idle: false);
        pool.Rented.ShouldBe(0);
        second.TryReserve(NbdLimits.MaxPayloadBytes).ShouldBeTrue();
        second.Dispose();
        pool.Rented.ShouldBe(0);
    }

    [Fact]
    public void Idle_connections_shrink_to_the_initial_size()
    {
        using var buffer = new ByteBuffer(new LargeBufferPool(1));
        buffer.TryReserve(NbdLimits.BusyBufferBytes).ShouldBeTrue();
        buffer.Trim(idle: false);
        buffer.Capacity.ShouldBe(NbdLimits.BusyBufferBytes);
        buffer.Trim(idle: true);
        buffer.Capacity.ShouldBe(NbdLimits.InitialBufferBytes);
    }
}
