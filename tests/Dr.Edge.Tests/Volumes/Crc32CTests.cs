using System.Numerics;
using System.Text;
using Dr.Edge.Volumes.Format;

namespace Dr.Edge.Tests.Volumes;

public sealed class Crc32CTests
{
    [Fact]
    public void The_check_value_of_the_polynomial_is_right() => Crc32C.Compute(Encoding.ASCII.GetBytes("123456789")).ShouldBe(0xE3069283u);

    [Fact]
    public void Vectors_of_RFC_3720_are_right()
    {
        Crc32C.Compute(new byte[32]).ShouldBe(0x8A9136AAu);
        Crc32C.Compute([.. Enumerable.Repeat((byte)0xff, 32)]).ShouldBe(0x62A8AB43u);
        Crc32C.Compute([.. Enumerable.Range(0, 32).Select(i => (byte)i)]).ShouldBe(0x46DD794Eu);
    }

    [Fact]
    public void Interleaved_lanes_agree_with_one_byte_at_a_time_for_every_length_around_their_bounds()
    {
        var data = StoreFixture.Pattern(20_000, 1);
        foreach (var length in Enumerable.Range(0, 64).Concat(Enumerable.Range(4070, 40)).Concat([8159, 8160, 8161, 12240, 20_000]))
        {
            var crc = ~0u;
            foreach (var one in data.AsSpan(0, length))
            {
                crc = BitOperations.Crc32C(crc, one);
            }

            Crc32C.Compute(data.AsSpan(0, length)).ShouldBe(~crc, $"length {length}");
        }
    }

    [Fact]
    public void Appending_continues_a_checksum()
    {
        var data = StoreFixture.Pattern(9000, 2);
        Crc32C.Append(Crc32C.Compute(data.AsSpan(0, 4100)), data.AsSpan(4100)).ShouldBe(Crc32C.Compute(data));
    }
}
