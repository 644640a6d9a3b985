using System.Buffers;
using System.Numerics;
using Dr.Contracts.Wire;
using Dr.Edge.Replication.Packing.Logs;
using ZstdSharp;

namespace Dr.Edge.Replication.Packing;

/// <summary>Turns a <see cref="PackedDelta"/>, arranged or not, back into a payload of <see cref="FrameType.Delta"/>, with the target's own base.</summary>
/// <param name="readBase">A block of the base.</param>
internal sealed class DeltaUnpacker(Action<long, Span<byte>> readBase) : IDisposable
{
    private readonly Decompressor _decompressor = new();
    private readonly LogRestorer _restorer = new();
    private readonly ArrayBufferWriter<byte> _payload = new();
    private byte[] _dictionary = [];
    private byte[] _units = [];
    private byte[] _arranged = [];

    /// <summary>False when the base here is not the one it was packed against; the payload is valid until the next call.</summary>
    /// <exception cref="WireFormatException">The units are not what their heads say although the base is right.</exception>
    public bool TryUnpack(PackedDelta packed, out ReadOnlySpan<byte> payload)
    {
        payload = default;
        if (!TryReadReferences(packed, out var dictionary))
        {
            return false;
        }

        var units = Room(ref _units, packed.UnitsBytes);
        if (packed.ArrangedBytes is { } bytes)
        {
            var arranged = Room(ref _arranged, bytes);
            Decompress(packed.PackedUnits, dictionary, arranged);
            _restorer.Restore(arranged, units);
        }
        else
        {
            Decompress(packed.PackedUnits, dictionary, units);
        }

        payload = Join(packed.Heads, units);
        return true;
    }

    public void Dispose() => _decompressor.Dispose();

    private static Span<byte> Room(ref byte[] buffer, int length)
    {
        if (buffer.Length < length)
        {
            buffer = new byte[length];
        }

        return buffer.AsSpan(0, length);
    }

    private bool TryReadReferences(PackedDelta packed, out ReadOnlySpan<byte> dictionary)
    {
        dictionary = default;
        if (packed.References.Length == 0)
        {
            return true;
        }

        if (_dictionary.Length == 0)
        {
            _dictionary = new byte[PackedDelta.DictionaryHeadBytes + (PackedDelta.MaxReferences * DeltaCodec.BlockBytes)];
        }

        var blocks = _dictionary.AsSpan(PackedDelta.DictionaryHeadBytes, packed.References.Length * DeltaCodec.BlockBytes);
        try
        {
            for (var i = 0; i < packed.References.Length; i++)
            {
                readBase(packed.References[i], blocks.Slice(i * DeltaCodec.BlockBytes, DeltaCodec.BlockBytes));
            }
        }
        catch (CorruptDataException)
        {
            // A block that the delta does not even change: the others need not wait for its repair, and a read of it, or the scrub, says where the damage is.
            return false;
        }

        dictionary = _dictionary.AsSpan(0, PackedDelta.DictionaryHeadBytes + blocks.Length);
        return Crc32C.Compute(blocks) == packed.ReferencesCrc;
    }

    private void Decompress(ReadOnlySpan<byte> packed, ReadOnlySpan<byte> dictionary, Span<byte> units)
    {
        if (packed.IsEmpty && units.IsEmpty)
        {
            return;
        }

        try
        {
            _decompressor.LoadDictionary(dictionary);
            if (_decompressor.Unwrap(packed, units) == units.Length)
            {
                return;
            }
        }
        catch (ZstdException exception)
        {
            throw new WireFormatException($"The units of a part of a delta do not decompress: {exception.Message}");
        }

        throw new WireFormatException("The units of a part of a delta decompress to another length than its entries say.");
    }

    private ReadOnlySpan<byte> Join(ReadOnlySpan<byte> heads, ReadOnlySpan<byte> units)
    {
        _payload.ResetWrittenCount();
        long previous = -1;
        while (true)
        {
            var rest = heads;
            if (!PackedDelta.TryReadHead(ref heads, ref previous, out var mask, out _))
            {
                return _payload.WrittenSpan;
            }

            _payload.Write(rest[..(rest.Length - heads.Length)]);
            var length = BitOperations.PopCount(mask) * DeltaCodec.UnitBytes;
            _payload.Write(units[..length]);
            units = units[length..];
        }
    }
}
