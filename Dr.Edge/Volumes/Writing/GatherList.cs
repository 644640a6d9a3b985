using System.Buffers;
using Dr.Edge.Volumes.Disk;

namespace Dr.Edge.Volumes.Writing;

/// <summary>Pieces of memory that one system call writes behind each other, kept in place from <see cref="Add"/> to <see cref="Clear"/>. Allocates only when it grows.</summary>
internal sealed class GatherList
{
    private MemoryHandle[] _handles = new MemoryHandle[16];
    private IoVector[] _vectors = GC.AllocateArray<IoVector>(17, pinned: true);
    private ReadOnlyMemory<byte>[] _pieces = new ReadOnlyMemory<byte>[16];

    public int Count { get; private set; }

    public ReadOnlySpan<ReadOnlyMemory<byte>> Pieces => _pieces.AsSpan(0, Count);

    public unsafe void Add(ReadOnlyMemory<byte> piece)
    {
        if (Count == _handles.Length)
        {
            Array.Resize(ref _handles, Count * 2);
            Array.Resize(ref _pieces, Count * 2);
            var vectors = GC.AllocateArray<IoVector>((Count * 2) + 1, pinned: true);
            _vectors.CopyTo(vectors, 0);
            _vectors = vectors;
        }

        // Costs nothing for the pinned memory that connections receive into.
        var handle = piece.Pin();
        _handles[Count] = handle;
        _pieces[Count] = piece;
        _vectors[++Count] = new IoVector((nint)handle.Pointer, piece.Length);
    }

    /// <summary>The first place is for what goes before the pieces.</summary>
    public Span<IoVector> VectorsWithHead(IoVector head)
    {
        _vectors[0] = head;
        return _vectors.AsSpan(0, Count + 1);
    }

    public void Clear()
    {
        for (var i = 0; i < Count; i++)
        {
            _handles[i].Dispose();
        }

        // What was written must not be kept alive by having been written.
        Array.Clear(_pieces, 0, Count);
        Count = 0;
    }
}
