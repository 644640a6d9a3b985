using System.Buffers;

namespace Dr.Contracts.Wire;

/// <summary>A payload with a fixed type; field by field in <c>replication-frames.md</c>.</summary>
public interface IWireMessage<TSelf>
    where TSelf : IWireMessage<TSelf>
{
    static abstract FrameType Type { get; }

    void Write(in WireWriter writer);

    static abstract TSelf Read(ref WireReader reader);
}

public static class WireMessage
{
    public static void Encode<T>(T message, IBufferWriter<byte> output)
        where T : IWireMessage<T> => message.Write(new WireWriter(output));

    public static byte[] Encode<T>(T message)
        where T : IWireMessage<T>
    {
        var output = new ArrayBufferWriter<byte>();
        Encode(message, output);
        return output.WrittenSpan.ToArray();
    }

    /// <exception cref="WireFormatException">The payload is not exactly one such message.</exception>
    public static T Decode<T>(ReadOnlySpan<byte> payload)
        where T : IWireMessage<T>
    {
        var reader = new WireReader(payload);
        var message = T.Read(ref reader);
        reader.End();
        return message;
    }
}
