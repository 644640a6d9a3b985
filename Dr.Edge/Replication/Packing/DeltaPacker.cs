using System.Buffers;
using Dr.Contracts.Wire;
using ZstdSharp;

namespace Dr.Edge.Replication.Packing;

/// <summary>
/// Turns parts of a delta into <see cref="PackedDelta"/>: finds the base's blocks that hold something like what is sent and compresses against them. Costs reading the old content of what changed once more, and
/// about a core at 100 MB/s of changes: for lines that are slower than that.
/// </summary>
/// <param name="readBase">A block of the base.</param>
/// <param name="bytesPerSecond">What the line carries.</param>
internal sealed class DeltaPacker(ReferenceIndex index, Action<long, Span<byte>> readBase, double bytesPerSecond = DeltaPacker.FastestLineBytesPerSecond) : IDisposable
{
    /// <summary>From this rate on the processor would be what the delta waits for.</summary>
    public const double FastestLineBytesPerSecond = 25e6;

    /// <summary>Up to here there is time for the higher level: 20 Mbit/s.</summary>
    private const double SlowLineBytesPerSecond = 2.5e6;

    // Once the references are named the levels differ little: the higher one saves a twentieth and takes twice as long.
    private const int Level = 3;
    private const int SlowLineLevel = 9;

    /// <summary>4 MiB: references and units of one part lie within it.</summary>
    private const int WindowLog = 22;

    private readonly Compressor _compressor = New(bytesPerSecond <= SlowLineBytesPerSecond ? SlowLineLevel : Level);
    private readonly ArrayBufferWriter<byte> _heads = new();
    private readonly ArrayBufferWriter<byte> _units = new();
    private readonly ArrayBufferWriter<byte> _packed = new();
    private readonly byte[] _dictionary = new byte[PackedDelta.DictionaryHeadBytes + (PackedDelta.MaxReferences * DeltaCodec.BlockBytes)];
    private byte[] _compressed = [];

    /// <summary>A payload of <see cref="FrameType.Delta"/> as one of <see cref="FrameType.PackedDelta"/>; valid until the next call.</summary>
    public ReadOnlyMemory<byte> Pack(ReadOnlySpan<byte> payload)
    {
        _heads.ResetWrittenCount();
        _units.ResetWrittenCount();
        _packed.ResetWrittenCount();
        long previous = -1;
        while (true)
        {
            var whole = payload;
            if (!DeltaCodec.TryRead(ref payload, ref previous, out var entry))
            {
                break;
            }

            _heads.Write(whole[..(whole.Length - payload.Length - entry.Units.Length)]);
            _units.Write(entry.Units);
        }

        var references = index.Find(_units.WrittenSpan, PackedDelta.MaxReferences);
        var blocks = _dictionary.AsSpan(PackedDelta.DictionaryHeadBytes, references.Length * DeltaCodec.BlockBytes);
        for (var i = 0; i < references.Length; i++)
        {
            readBase(references[i], blocks.Slice(i * DeltaCodec.BlockBytes, DeltaCodec.BlockBytes));
        }

        PackedDelta.Write(_packed, references, references.Length == 0 ? 0 : Crc32C.Compute(blocks), _heads.WrittenSpan, Compress(blocks.Length));
        return _packed.WrittenMemory;
    }

    public void Dispose() => _compressor.Dispose();

    private static Compressor New(int level)
    {
        var compressor = new Compressor(level);
        compressor.SetParameter(ZstdSharp.Unsafe.ZSTD_cParameter.ZSTD_c_windowLog, WindowLog);
        return compressor;
    }

    private ReadOnlySpan<byte> Compress(int referencesBytes)
    {
        if (_units.WrittenCount == 0)
        {
            return default;
        }

        _compressor.LoadDictionary(referencesBytes == 0 ? default : _dictionary.AsSpan(0, PackedDelta.DictionaryHeadBytes + referencesBytes));
        var bound = Compressor.GetCompressBound(_units.WrittenCount);
        if (_compressed.Length < bound)
        {
            _compressed = new byte[bound];
        }

        return _compressed.AsSpan(0, _compressor.Wrap(_units.WrittenSpan, _compressed));
    }
}
