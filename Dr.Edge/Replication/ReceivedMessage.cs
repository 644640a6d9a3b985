using Dr.Contracts.Wire;

namespace Dr.Edge.Replication;

/// <summary>One message as it arrived: decompressed, and put together when it came in parts. The bytes are its own.</summary>
internal sealed record ReceivedMessage(FrameHeader Header, ReadOnlyMemory<byte> Payload)
{
    public T Decode<T>()
        where T : IWireMessage<T> => WireMessage.Decode<T>(Payload.Span);
}

/// <summary>What every frame of a stream carries beside its payload.</summary>
[System.Runtime.InteropServices.StructLayout(System.Runtime.InteropServices.LayoutKind.Auto)]
internal readonly record struct FrameStamp(int Stream, Epoch Epoch, Generation Generation)
{
    /// <summary>The connection itself.</summary>
    public static FrameStamp Connection => default;
}
