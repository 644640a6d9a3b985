using System.Buffers;
using Dr.Contracts.Wire;
using Dr.Edge.Replication.Packing.Logs;
using ZstdSharp;

namespace Dr.Edge.Replication.Packing;

/// <summary>
/// Turns parts of a delta into <see cref="PackedDelta"/>: arranges what is a database's log, finds the base's blocks that hold something like the rest and compresses against them. Costs reading the old content of what changed once more, and
/// about a core at 200 MB/s of changes (100 MB/s at the higher level): for lines on which that is less than what the bytes saved would take.
/// </summary>
/// <param name="readBase">A block of the base.</param>
/// <param name="arranges">The target knows <see cref="FrameType.ArrangedDelta"/>.</param>
/// <param name="bytesPerSecond">What the line carries.</param>
internal sealed class DeltaPacker(ReferenceIndex index, Action<long, Span<byte>> readBase, bool arranges, double bytesPerSecond = DeltaPacker.FastestLineBytesPerSecond) : IDisposable
{
    /// <summary>
    /// 64 Mbit/s. Measured on a minute of pgbench (<c>dr-bench replication --only packing</c>): 325 MB of changed units are 40.3 MB as they are, 30.8 MB packed and 16.6 MB with the log arranged, which takes 1.5 s of a core
    /// either way; from about this rate on a line saves less time than that where there is no log.
    /// </summary>
    public const double FastestLineBytesPerSecond = 8e6;

    /// <summary>40 Mbit/s: up to here there is time for the higher level, which makes 14.6 MB of the same in 3.3 s.</summary>
    private const double SlowLineBytesPerSecond = 5e6;

    // Once the references are named the levels differ little: the higher one saves a tenth and takes more than twice as long; beyond it a hundredth takes twice as long again.
    private const int Level = 3;
    private const int SlowLineLevel = 9;

    /// <summary>4 MiB: references and units of one part lie within it.</summary>
    private const int WindowLog = 22;

    private readonly Compressor _compressor = New(bytesPerSecond <= SlowLineBytesPerSecond ? SlowLineLevel : Level);
    private readonly LogArranger _arranger = new();
    private readonly LogRestorer _restorer = new();
    private readonly ArrayBufferWriter<byte> _heads = new();
    private readonly ArrayBufferWriter<byte> _units = new();
    private readonly ArrayBufferWriter<byte> _packed = new();
    private readonly byte[] _dictionary = new byte[PackedDelta.DictionaryHeadBytes + (PackedDelta.MaxReferences * DeltaCodec.BlockBytes)];
    private byte[] _compressed = [];
    private byte[] _restored = [];

    /// <summary>A payload of <see cref="FrameType.Delta"/> as one of <see cref="FrameType.PackedDelta"/> or <see cref="FrameType.ArrangedDelta"/>; valid until the next call.</summary>
    public (FrameType Type, ReadOnlyMemory<byte> Payload) Pack(ReadOnlySpan<byte> payload)
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

        // Columns resemble nothing in the base.
        var isArranged = TryArrange(_units.WrittenSpan, out var arranged);
        var references = index.Find(isArranged ? _arranger.Plain : _units.WrittenSpan, PackedDelta.MaxReferences);
        var blocks = _dictionary.AsSpan(PackedDelta.DictionaryHeadBytes, references.Length * DeltaCodec.BlockBytes);
        for (var i = 0; i < references.Length; i++)
        {
            readBase(references[i], blocks.Slice(i * DeltaCodec.BlockBytes, DeltaCodec.BlockBytes));
        }

        var units = isArranged ? arranged : _units.WrittenSpan;
        PackedDelta.Write(_packed, references, references.Length == 0 ? 0 : Crc32C.Compute(blocks), _heads.WrittenSpan, Compress(units, blocks.Length), isArranged ? arranged.Length : null);
        return (isArranged ? FrameType.ArrangedDelta : FrameType.PackedDelta, _packed.WrittenMemory);
    }

    public void Dispose() => _compressor.Dispose();

    private static Compressor New(int level)
    {
        var compressor = new Compressor(level);
        compressor.SetParameter(ZstdSharp.Unsafe.ZSTD_cParameter.ZSTD_c_windowLog, WindowLog);
        return compressor;
    }

    // What does not come out here as it was would not at the target either, and that would ask for it again and again.
    private bool TryArrange(ReadOnlySpan<byte> units, out ReadOnlySpan<byte> arranged)
    {
        arranged = default;
        if (!arranges || !_arranger.TryArrange(units, out arranged))
        {
            return false;
        }

        if (_restored.Length < units.Length)
        {
            _restored = new byte[units.Length];
        }

        var restored = _restored.AsSpan(0, units.Length);
        try
        {
            _restorer.Restore(arranged, restored);
            return restored.SequenceEqual(units);
        }
        catch (WireFormatException)
        {
            return false;
        }
    }

    private ReadOnlySpan<byte> Compress(ReadOnlySpan<byte> units, int referencesBytes)
    {
        if (units.IsEmpty)
        {
            return default;
        }

        _compressor.LoadDictionary(referencesBytes == 0 ? default : _dictionary.AsSpan(0, PackedDelta.DictionaryHeadBytes + referencesBytes));
        var bound = Compressor.GetCompressBound(units.Length);
        if (_compressed.Length < bound)
        {
            _compressed = new byte[bound];
        }

        return _compressed.AsSpan(0, _compressor.Wrap(units, _compressed));
    }
}
