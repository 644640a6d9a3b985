using System.Numerics;
using System.Runtime.InteropServices;

namespace Dr.Edge.Nbd;

/// <summary>
/// A connection's memory in one direction: bytes come in at the end and are taken from the start. Up to <see cref="NbdLimits.BusyBufferBytes"/> it is its own array and stays;
/// above, it is rented from the shared pool and given back by <see cref="Trim"/> once it is empty.
/// </summary>
internal sealed class ByteBuffer(LargeBufferPool pool) : IDisposable
{
    private byte[] _array = Allocate(NbdLimits.InitialBufferBytes);

    /// <summary>The own array, set aside while <see cref="_array"/> is a rented one.</summary>
    private byte[]? _own;
    private int _start;
    private int _end;

    public int Capacity => _array.Length;

    public int Count => _end - _start;

    /// <summary>What has come in and was not taken.</summary>
    public ReadOnlySpan<byte> Filled => _array.AsSpan(_start, _end - _start);

    /// <summary>Room behind it.</summary>
    public Span<byte> Free => _array.AsSpan(_end);

    /// <summary>Part of <see cref="Filled"/>. It stays as it is, also after it was taken, until the next reserve, trim or write into <see cref="Free"/>.</summary>
    public ReadOnlyMemory<byte> Memory(int offset, int count) => MemoryMarshal.CreateFromPinnedArray(_array, _start + offset, count);

    public void Added(int count) => _end += count;

    public void Take(int count)
    {
        _start += count;
        if (_start == _end)
        {
            (_start, _end) = (0, 0);
        }
    }

    public void Clear() => (_start, _end) = (0, 0);

    /// <summary>Makes room for <paramref name="count"/> more bytes, moving and growing as needed; false when it would take a shared buffer and none is left.</summary>
    public bool TryReserve(int count)
    {
        if (_array.Length - _end >= count)
        {
            return true;
        }

        var filled = Count;
        var target = _array;
        if (filled + count > _array.Length)
        {
            if (filled + count > NbdLimits.BusyBufferBytes)
            {
                Invariant.Require(_own is null && filled + count <= LargeBufferPool.BufferBytes, "a buffer was asked for more than the largest request");
                if (pool.TryRent() is not { } rented)
                {
                    return false;
                }

                (_own, target) = (_array, rented);
            }
            else
            {
                target = Allocate(Math.Min((int)BitOperations.RoundUpToPowerOf2((uint)(filled + count)), NbdLimits.BusyBufferBytes));
            }
        }

        Filled.CopyTo(target);
        (_array, _start, _end) = (target, 0, filled);
        return true;
    }

    /// <summary>Grows when the last receive filled it all: the client has more to say than we listen to at once.</summary>
    public void GrowWhenFull()
    {
        if (_end == _array.Length && _array.Length < NbdLimits.BusyBufferBytes)
        {
            TryReserve(Math.Min(_array.Length * 4, NbdLimits.BusyBufferBytes) - Count);
        }
    }

    /// <summary>When it is empty, gives a rented array back; an <paramref name="idle"/> connection's own one shrinks too.</summary>
    public void Trim(bool idle)
    {
        if (Count > 0)
        {
            return;
        }

        if (_own is not null)
        {
            pool.Return(_array);
            (_array, _own) = (_own, null);
        }

        if (idle && _array.Length > NbdLimits.InitialBufferBytes)
        {
            _array = Allocate(NbdLimits.InitialBufferBytes);
        }
    }

    public void Dispose()
    {
        Clear();
        Trim(idle: false);
    }

    /// <summary>Pinned, because the kernel takes data straight from here.</summary>
    internal static byte[] Allocate(int count) => GC.AllocateUninitializedArray<byte>(count, pinned: true);
}
