using System.Runtime.InteropServices;

namespace Dr.Contracts.Wire;

/// <summary>The 64 bytes in front of every payload; <c>replication-frames.md</c> has the byte table.</summary>
/// <param name="PayloadLength">Bytes on the wire after the header.</param>
/// <param name="Stream">0 for the connection itself; otherwise the number that the source gave a volume.</param>
/// <param name="Sequence">Counts every frame of one direction of one connection from 1: a lost, doubled or reordered frame is seen even if its checksum is right.</param>
/// <param name="Epoch">The highest ownership epoch the sender knows for the stream's volume; 0 on stream 0.</param>
/// <param name="Generation">The generation the sender's copy is in; zeros on stream 0.</param>
/// <param name="RawLength">Bytes of the payload after decompression; equal to the payload length when not compressed.</param>
/// <param name="PayloadCrc">CRC32C of the payload as it is on the wire.</param>
[StructLayout(LayoutKind.Auto)]
public readonly record struct FrameHeader(
    FrameType Type,
    FrameFlags Flags,
    int PayloadLength,
    int Stream,
    long Sequence,
    Epoch Epoch,
    Generation Generation,
    int RawLength,
    uint PayloadCrc);
