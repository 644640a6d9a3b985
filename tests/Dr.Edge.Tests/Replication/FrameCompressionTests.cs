using Dr.Contracts.Wire;
using Dr.Edge.Replication;
using ZstdSharp;

namespace Dr.Edge.Tests.Replication;

public sealed class FrameCompressionTests
{
    private const int PayloadBytes = 256 * 1024;

    [Fact]
    public void Whatever_comes_after_whatever_arrives_as_it_was()
    {
        var random = new Random(5);
        using var compression = new FrameCompression();
        using var decompressor = new Decompressor();
        for (var round = 0; round < 600; round++)
        {
            var payload = new byte[random.Next(1, PayloadBytes)];
            for (var at = 0; at < payload.Length; at += 4096)
            {
                var piece = payload.AsSpan(at, Math.Min(4096, payload.Length - at));
                if (random.Next(1 + (round % 3)) == 0)
                {
                    random.NextBytes(piece);
                }
            }

            var (packed, flags) = compression.Pack(payload);
            var arrived = flags == FrameFlags.Zstd ? decompressor.Unwrap(packed.Span).ToArray() : packed.ToArray();
            arrived.AsSpan().SequenceEqual(payload).ShouldBeTrue($"payload {round}");
        }
    }

    [Fact]
    public void Content_that_shrinks_is_found_again_soon_after_content_that_did_not()
    {
        using var compression = new FrameCompression();
        var noise = new byte[PayloadBytes];
        new Random(6).NextBytes(noise);
        for (var i = 0; i < 200; i++)
        {
            compression.Pack(noise).Flags.ShouldBe(FrameFlags.None);
        }

        var text = new byte[PayloadBytes];
        var sent = 1;
        while (compression.Pack(text).Flags == FrameFlags.None)
        {
            (++sent).ShouldBeLessThanOrEqualTo(33);
        }

        compression.Pack(text).Flags.ShouldBe(FrameFlags.Zstd);
    }
}
