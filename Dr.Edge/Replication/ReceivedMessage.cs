using System.Buffers;
using Dr.Contracts.Wire;

namespace Dr.Edge.Replication;

/// <summary>One message as it arrived: decompressed, and put together when it came in parts. The bytes are its own until <see cref="Release"/>.</summary>
internal sealed class ReceivedMessage(FrameHeader header, ReadOnlyMemory<byte> payload, byte[]? rented = null)
{
    private byte[]? _rented = rented;

    public FrameHeader Header { get; } = header;

    public ReadOnlyMemory<byte> Payload { get; private set; } = payload;

    /// <summary>Another of its kind for the same stream has come already and is handled next: what both are to be answered with can wait for it.</summary>
    public bool IsFollowed { get; set; }

    /// <summary>The decoded message has nothing of <see cref="Payload"/> in it.</summary>
    public T Decode<T>()
        where T : IWireMessage<T> => WireMessage.Decode<T>(Payload.Span);

    /// <summary>Gives large payloads' memory to the next ones. Whoever does not call it leaves that to the garbage collector.</summary>
    public void Release()
    {
        if (Interlocked.Exchange(ref _rented, null) is { } memory)
        {
            Payload = default;
            ArrayPool<byte>.Shared.Return(memory);
        }
    }
}

/// <summary>What every frame of a stream carries beside its payload.</summary>
[System.Runtime.InteropServices.StructLayout(System.Runtime.InteropServices.LayoutKind.Auto)]
internal readonly record struct FrameStamp(int Stream, Epoch Epoch, Generation Generation)
{
    /// <summary>The connection itself.</summary>
    public static FrameStamp Connection => default;
}
