using System.Buffers.Binary;
using System.Numerics;

namespace Dr.Edge.Nbd.Contexts;

/// <summary>What a BLOCK_STATUS with a payload asks: a length of 64 bits, then the 32-bit ids of the contexts that are wanted, each once.</summary>
/// <param name="Length">Bytes asked about; not checked against the export.</param>
/// <param name="Contexts">A bit for each context: bit 0 for id 1.</param>
internal readonly record struct StatusFilter(ulong Length, uint Contexts)
{
    private const int IdBytes = 4;

    public const int LengthBytes = 8;

    /// <summary>Every context that was selected.</summary>
    public const uint All = uint.MaxValue;

    /// <summary>Whether a payload of that many bytes can be one: at least one id, and no more than can be selected.</summary>
    public static bool IsLength(ulong bytes) => bytes is >= LengthBytes + IdBytes and <= LengthBytes + (IdBytes * NbdLimits.MaxContexts) && bytes % IdBytes == 0;

    /// <summary>Null when it names a context that was not selected, or one twice.</summary>
    /// <param name="payload">Of a length that <see cref="IsLength"/> accepts.</param>
    /// <param name="selected">Contexts that were selected, with ids from 1.</param>
    public static StatusFilter? Read(ReadOnlySpan<byte> payload, int selected)
    {
        var wanted = 0u;
        for (var ids = payload[LengthBytes..]; !ids.IsEmpty; ids = ids[IdBytes..])
        {
            var id = BinaryPrimitives.ReadUInt32BigEndian(ids);
            if (id == 0 || id > selected || (wanted & (1u << (int)(id - 1))) != 0)
            {
                return null;
            }

            wanted |= 1u << (int)(id - 1);
        }

        return new StatusFilter(BinaryPrimitives.ReadUInt64BigEndian(payload), wanted);
    }

    public bool Has(uint id) => (Contexts & (1u << (int)(id - 1))) != 0;

    /// <summary>Whether no wanted context has a higher id.</summary>
    public bool IsLast(uint id, int selected) => BitOperations.Log2(Contexts & (uint)((1UL << selected) - 1)) == id - 1;
}
