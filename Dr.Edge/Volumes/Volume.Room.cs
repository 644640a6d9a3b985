using Dr.Edge.Volumes.Disk;
using Dr.Edge.Volumes.Writing;

namespace Dr.Edge.Volumes;

/// <content>Room that is written ahead of the head's end, so that a small flush has nothing but its own blocks to make durable.</content>
internal sealed partial class Volume
{
    // Short enough that a write which meets one waits some ten microseconds.
    private const int RoomPieceBytes = 64 * 1024;
    private static readonly byte[] RoomZeros = new byte[RoomPieceBytes];

    // Under the sync lock.
    private RoomAhead _room;

    /// <summary>
    /// Under the sync lock, before the flush that makes the room durable. Zeros behind the end are no batch and are cut when the volume is opened; a crash in between leaves fewer of them.
    /// Writers go on between the pieces.
    /// </summary>
    private void MakeRoomLocked(Layer head)
    {
        if (_context.Space.IsShort)
        {
            return;
        }

        for (var left = _room.AtFlush(head.Record.Number, head.Tail, head.RoomEnd); left > 0; left -= RoomPieceBytes)
        {
            lock (_appendLock)
            {
                var start = Math.Max(head.Tail, head.RoomEnd);
                if (head.File.File.TryWrite(RoomZeros, start) != 0)
                {
                    // A full disk needs the space for something better, and other trouble shows in the flush.
                    _ = head.File.File.TryTruncate(head.Tail);
                    head.RoomEnd = 0;
                    return;
                }

                head.RoomEnd = start + RoomPieceBytes;
            }

            StoreFaults.Pass(CrashPoints.RoomWritten);
        }
    }

    /// <summary>A sealed layer ends at its last batch, where its index is going to be. In the background, as the first thing that is done with it: a point need not wait for the file system's journal.</summary>
    private static void DropRoom(Layer layer)
    {
        if (layer.RoomEnd > layer.Tail)
        {
            _ = layer.File.File.TryTruncate(layer.Tail);
            layer.RoomEnd = 0;
        }
    }
}
