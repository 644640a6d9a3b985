using System.Threading.Channels;
using Dr.Edge.Volumes.Disk;

namespace Dr.Edge.Volumes.Writing;

/// <summary>
/// Starts the disk on what was appended before anybody asks for a flush: a log is never written twice, so nothing is gained by waiting, and the flush then finds little left to do.
/// Only a hint: nothing is durable by it, an error in it is seen by the flush that follows, and when the disk does not keep up pieces are left to that flush.
/// </summary>
internal sealed class WriteBehind : IAsyncDisposable
{
    /// <summary>Appended bytes that are worth a call: enough for the disk to write in one go, few enough that it is never idle for long.</summary>
    public const int PieceBytes = 4 * 1024 * 1024;

    // Pieces that wait for the disk; more than these are dropped.
    private const int MaxWaiting = 64;
    private readonly Channel<Piece> _pieces = Channel.CreateBounded<Piece>(new BoundedChannelOptions(MaxWaiting) { SingleReader = true, FullMode = BoundedChannelFullMode.Wait });
    private readonly Task _worker;

    public WriteBehind() => _worker = Task.Run(RunAsync);

    /// <summary>Takes a part of a file that will not be written again; does not wait and does not fail.</summary>
    public void Post(LayerFile file, long start, long end)
    {
        if (file.TryAddUser() && !_pieces.Writer.TryWrite(new Piece(file, start, end)))
        {
            file.Release();
        }
    }

    public async ValueTask DisposeAsync()
    {
        _pieces.Writer.TryComplete();
        await _worker;
    }

    private async Task RunAsync()
    {
        await foreach (var piece in _pieces.Reader.ReadAllAsync())
        {
            try
            {
                Posix.StartWriting(piece.File.File.Handle, piece.Start, piece.End - piece.Start);
            }
            catch (Exception exception) when (exception is not OutOfMemoryException)
            {
                // Only a hint: the flush finds out.
            }
            finally
            {
                piece.File.Release();
            }
        }
    }

    private readonly record struct Piece(LayerFile File, long Start, long End);
}
