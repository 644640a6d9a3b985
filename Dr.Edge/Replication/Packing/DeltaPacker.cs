using System.Buffers;
using Dr.Contracts.Wire;
using ZstdSharp;

namespace Dr.Edge.Replication.Packing;

/// <summary>
/// Turns parts of a delta into <see cref="PackedDelta"/>: finds the base's blocks that hold something like what is sent and compresses against them. Costs reading the old content of what changed once more, and
/// about a core at 130 MB/s of changes (53 MB/s at the higher level): for lines on which that is less than what the bytes saved would take.
/// </summary>
/// <param name="readBase">A block of the base.</param>
/// <param name="bytesPerSecond">What the line carries.</param>
internal sealed class DeltaPacker(ReferenceIndex index, Action<long, Span<byte>> readBase, double bytesPerSecond = DeltaPacker.FastestLineBytesPerSecond) : IDisposable
{
    /// <summary>
    /// 64 Mbit/s. Measured on a minute of pgbench (<c>dr-bench replication --only packing</c>): 245 MB of changed units are 25.8 MB as they are and 17.9 MB packed, which takes 1.9 s of a core; from about this rate on the
    /// line saves less time than that.
    /// </summary>
    public const double FastestLineBytesPerSecond = 8e6;

    /// <summary>40 Mbit/s: up to here there is time for the higher level, which makes 16.1 MB of the same in 4.6 s.</summary>
    private const double SlowLineBytesPerSecond = 5e6;

    // Once the references are named the levels differ little: the higher one saves a tenth and takes more than twice as long; beyond it a hundredth takes twice as long again.
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
