using System.Buffers;
using System.Numerics;
using Dr.Contracts.Errors;

namespace Dr.Contracts.Wire;

/// <summary>
/// Payload of <see cref="FrameType.PackedDelta"/> and <see cref="FrameType.ArrangedDelta"/>: a part of a delta whose units are compressed against blocks of the base that both ends have. <c>replication-frames.md</c> has the table.
/// </summary>
public readonly ref struct PackedDelta
{
    /// <summary>2 MiB of the base: what one part may make the target read and the compression search.</summary>
    public const int MaxReferences = 512;

    /// <summary>In front of the references' blocks in the dictionary, so that content which looks like the head of a trained dictionary is never taken for one.</summary>
    public const int DictionaryHeadBytes = 8;

    private PackedDelta(long[] references, uint referencesCrc, ReadOnlySpan<byte> heads, ReadOnlySpan<byte> packedUnits, int unitsBytes, int? arrangedBytes)
    {
        References = references;
        ReferencesCrc = referencesCrc;
        Heads = heads;
        PackedUnits = packedUnits;
        UnitsBytes = unitsBytes;
        ArrangedBytes = arrangedBytes;
    }

    /// <summary>Blocks of the base, ascending.</summary>
    public long[] References { get; }

    /// <summary>CRC32C over their content, one after the other; 0 without any.</summary>
    public uint ReferencesCrc { get; }

    /// <summary>Entries without their units; read them with <see cref="TryReadHead"/>.</summary>
    public ReadOnlySpan<byte> Heads { get; }

    /// <summary>One zstd frame, or nothing.</summary>
    public ReadOnlySpan<byte> PackedUnits { get; }

    /// <summary>What the units have to be in the end.</summary>
    public int UnitsBytes { get; }

    /// <summary>What comes out of the decompression in place of the units, when those were arranged before it; null when they were not.</summary>
    public int? ArrangedBytes { get; }

    /// <summary>What has to come out of the decompression.</summary>
    public int UnpackedBytes => ArrangedBytes ?? UnitsBytes;

    /// <param name="arrangedBytes">Of an <see cref="FrameType.ArrangedDelta"/>: what was compressed; null for a <see cref="FrameType.PackedDelta"/>.</param>
    public static void Write(IBufferWriter<byte> output, ReadOnlySpan<long> references, uint referencesCrc, ReadOnlySpan<byte> heads, ReadOnlySpan<byte> packedUnits, int? arrangedBytes = null)
    {
        Invariant.Require(references.Length <= MaxReferences, "a part of a delta has few references");
        var writer = new WireWriter(output);
        writer.UInt16(references.Length);
        long previous = -1;
        foreach (var reference in references)
        {
            output.Advance(DeltaCodec.WriteNext(output.GetSpan(DeltaCodec.MaxGapBytes), previous, reference));
            previous = reference;
        }

        writer.UInt32(referencesCrc);
        writer.UInt32((uint)heads.Length);
        writer.Bytes(heads);
        if (arrangedBytes is { } bytes)
        {
            writer.UInt32((uint)bytes);
        }

        writer.Bytes(packedUnits);
    }

    /// <param name="isArranged">It is of an <see cref="FrameType.ArrangedDelta"/>.</param>
    /// <exception cref="WireFormatException">It is not one.</exception>
    public static PackedDelta Read(ReadOnlySpan<byte> payload, bool isArranged = false)
    {
        var reader = new WireReader(payload);
        var count = reader.UInt16();
        if (count > MaxReferences)
        {
            throw new WireFormatException($"A part of a delta has {count} references; at most {MaxReferences} are allowed.");
        }

        var references = new long[count];
        long previous = -1;
        for (var i = 0; i < count; i++)
        {
            references[i] = previous = DeltaCodec.ReadNext(ref reader, previous);
        }

        var crc = reader.UInt32();
        var length = reader.UInt32();
        var heads = reader.Bytes((int)Math.Min(length, int.MaxValue));
        long unitsBytes = 0;
        var rest = heads;
        previous = -1;
        while (TryReadHead(ref rest, ref previous, out var mask, out _))
        {
            unitsBytes += BitOperations.PopCount(mask) * DeltaCodec.UnitBytes;
        }

        var arranged = isArranged ? reader.UInt32() : (uint?)null;
        if (Math.Max(unitsBytes, arranged ?? 0) > FrameCodec.MaxPayload)
        {
            throw new WireFormatException($"A part of a delta stands for {Math.Max(unitsBytes, arranged ?? 0)} bytes.");
        }

        return new PackedDelta(references, crc, heads, reader.Bytes(reader.Remaining), (int)unitsBytes, (int?)arranged);
    }

    /// <summary>Takes the next entry's head off <paramref name="heads"/>; false at the end.</summary>
    /// <exception cref="WireFormatException">What is left is not one.</exception>
    public static bool TryReadHead(ref ReadOnlySpan<byte> heads, ref long previous, out byte mask, out uint crc)
    {
        (mask, crc) = (0, 0);
        if (heads.IsEmpty)
        {
            return false;
        }

        var reader = new WireReader(heads);
        (previous, mask, crc) = DeltaCodec.ReadHead(ref reader, previous);
        heads = heads[^reader.Remaining..];
        return true;
    }
}
