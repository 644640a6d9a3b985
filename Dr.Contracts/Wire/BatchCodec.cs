using System.Buffers;

namespace Dr.Contracts.Wire;

/// <summary>
/// Payload of <see cref="FrameType.Batch"/>: journal batches, each a 32-bit length and the bytes as the source appended them. A batch that does
/// not fit one frame is continued; the parts are put together before they are read.
/// </summary>
public static class BatchCodec
{
    /// <summary>Largest payload after putting the parts together.</summary>
    public const int MaxMessage = 80 * 1024 * 1024;

    public static void Append(IBufferWriter<byte> output, ReadOnlySpan<byte> batch)
    {
        var writer = new WireWriter(output);
        writer.UInt32((uint)batch.Length);
        writer.Bytes(batch);
    }

    /// <summary>Takes the next batch off; false at the end.</summary>
    /// <exception cref="WireFormatException">What is left is not a batch.</exception>
    public static bool TryRead(ref ReadOnlyMemory<byte> payload, out ReadOnlyMemory<byte> batch)
    {
        batch = default;
        if (payload.IsEmpty)
        {
            return false;
        }

        var length = new WireReader(payload.Span).UInt32();
        var rest = payload[sizeof(uint)..];
        if (length == 0 || length > rest.Length)
        {
            throw new WireFormatException($"A batch of {length} bytes in a payload that has {rest.Length} left.");
        }

        batch = rest[..(int)length];
        payload = rest[(int)length..];
        return true;
    }
}
