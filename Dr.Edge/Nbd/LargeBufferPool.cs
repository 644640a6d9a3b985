using System.Collections.Concurrent;

namespace Dr.Edge.Nbd;

/// <summary>
/// Memory for requests that do not fit a busy connection's buffer, shared by all connections and bounded, so that no number of clients can exhaust the machine.
/// There is one size, enough for the largest request, and what is not in use is kept for the next one only as far as it pays.
/// </summary>
internal sealed class LargeBufferPool(int maxRented)
{
    /// <summary>The largest payload, the headers around it, and room so that the request behind it is not cut at once.</summary>
    public const int BufferBytes = NbdLimits.MaxPayloadBytes + NbdLimits.InitialBufferBytes;

    private const int MaxKept = 4;

    private readonly ConcurrentBag<byte[]> _kept = [];
    private int _rented;

    public int Rented => Volatile.Read(ref _rented);

    /// <summary>An array of <see cref="BufferBytes"/>, or null when all are in use.</summary>
    public byte[]? TryRent()
    {
        if (Interlocked.Increment(ref _rented) > maxRented)
        {
            Interlocked.Decrement(ref _rented);
            return null;
        }

        return _kept.TryTake(out var array) ? array : ByteBuffer.Allocate(BufferBytes);
    }

    public void Return(byte[] array)
    {
        Interlocked.Decrement(ref _rented);
        if (_kept.Count < MaxKept)
        {
            _kept.Add(array);
        }
    }
}
