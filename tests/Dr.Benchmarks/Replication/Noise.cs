using System.Buffers.Binary;
using System.Security.Cryptography;

namespace Dr.Benchmarks.Replication;

/// <summary>Bytes that do not compress and never come twice, the same for a seed, as fast as the processor encrypts: making content must not be what a figure shows.</summary>
internal sealed class Noise : IDisposable
{
    private readonly Aes _aes = Aes.Create();
    private readonly byte[] _start = new byte[16];
    private byte[] _zeros = [];
    private long _count;

    public Noise(int seed)
    {
        var key = new byte[16];
        BinaryPrimitives.WriteInt32LittleEndian(key, seed);
        _aes.Key = key;
    }

    /// <param name="destination">A multiple of 16 bytes.</param>
    public void Fill(byte[] destination)
    {
        if (_zeros.Length < destination.Length)
        {
            _zeros = new byte[destination.Length];
        }

        BinaryPrimitives.WriteInt64LittleEndian(_start, ++_count);
        _aes.EncryptCbc(_zeros.AsSpan(0, destination.Length), _start, destination, PaddingMode.None);
    }

    public void Dispose() => _aes.Dispose();
}
