using System.Buffers;
using System.Diagnostics;
using System.Globalization;
using Dr.Contracts.Wire;
using Dr.Edge.Replication;
using Dr.Edge.Replication.Packing;

namespace Dr.Benchmarks.Replication.Peers;

/// <summary>
/// What packing a delta costs in processor time and saves in bytes, on the two images of the load, one thread, warm: the same calls that a source and a target make. Reading the images is not in it.
/// </summary>
internal static class PackingCost
{
    /// <summary>Names of the two images in the directory where they are kept.</summary>
    public const string Before = "before.img";

    /// <inheritdoc cref="Before"/>
    public const string After = "after.img";

    /// <summary>As a source sends them.</summary>
    private const int PartBytes = 512 * 1024;

    public static void Measure(string before, string after, Action<string> progress)
    {
        using var old = File.OpenHandle(before);
        using var now = File.OpenHandle(after);
        var (parts, blocks, units) = Changes(old, now);
        for (var round = 0; round < 2; round++)
        {
            // Once to compile, once to measure.
            var say = round == 0 ? _ => { } : progress;
            var plain = Plain(parts);
            var (slow, index) = Pack(old, blocks, parts, bytesPerSecond: 2e6);
            var (fast, _) = Pack(old, blocks, parts, bytesPerSecond: DeltaPacker.FastestLineBytesPerSecond);
            var opened = Unpack(old, fast.Packed);
            say(string.Create(CultureInfo.InvariantCulture, $"  packing {units / 1e6:0.0} MB of changed units in {blocks.Count} blocks, processor time of one thread:"));
            say(Line("as it is, zstd 1 part by part", plain.Bytes, plain.Time, units));
            say(Line($"packed, index of the base ({index.TotalSeconds:0.00} s) and zstd 3", fast.Bytes, fast.Time + index, units));
            say(Line("packed, for lines up to 40 Mbit/s: zstd 9", slow.Bytes, slow.Time + index, units));
            say(Line("unpacked at the target", fast.Bytes, opened, units));
        }
    }

    private static string Line(string what, long bytes, TimeSpan time, long units) =>
        string.Create(CultureInfo.InvariantCulture, $"  {bytes / 1e6,8:0.00} MB  {time.TotalSeconds,6:0.00} s  {units / 1e6 / time.TotalSeconds,6:0} MB/s  {what}");

    private static (List<byte[]> Parts, List<long> Blocks, long UnitBytes) Changes(Microsoft.Win32.SafeHandles.SafeFileHandle old, Microsoft.Win32.SafeHandles.SafeFileHandle now)
    {
        var (parts, blocks, part) = (new List<byte[]>(), new List<long>(), new ArrayBufferWriter<byte>());
        var (was, at) = (new byte[1 << 20], new byte[1 << 20]);
        var (previous, units) = (-1L, 0L);
        for (long offset = 0; RandomAccess.Read(now, at, offset) is > 0 and var length; offset += length)
        {
            Array.Clear(was);
            RandomAccess.Read(old, was.AsSpan(0, length), offset);
            for (var block = 0; block < length; block += DeltaCodec.BlockBytes)
            {
                var number = (offset + block) / DeltaCodec.BlockBytes;
                var count = DeltaCodec.Append(part, ref previous, number, was.AsSpan(block, DeltaCodec.BlockBytes), at.AsSpan(block, DeltaCodec.BlockBytes));
                units += count * DeltaCodec.UnitBytes;
                if (count > 0)
                {
                    blocks.Add(number);
                }

                if (part.WrittenCount >= PartBytes)
                {
                    Take();
                }
            }
        }

        Take();
        return (parts, blocks, units);

        void Take()
        {
            parts.Add(part.WrittenSpan.ToArray());
            part.ResetWrittenCount();
            previous = -1;
        }
    }

    private static (long Bytes, TimeSpan Time) Plain(List<byte[]> parts)
    {
        using var compression = new FrameCompression();
        var watch = Stopwatch.StartNew();
        var bytes = parts.Sum(part => (long)compression.Pack(part).Payload.Length);
        return (bytes, watch.Elapsed);
    }

    private static ((long Bytes, TimeSpan Time, List<(FrameType Type, byte[] Payload)> Packed) Packing, TimeSpan Index) Pack(Microsoft.Win32.SafeHandles.SafeFileHandle old, List<long> blocks, List<byte[]> parts, double bytesPerSecond)
    {
        var base_ = blocks.ToDictionary(block => block, block =>
        {
            var content = new byte[DeltaCodec.BlockBytes];
            RandomAccess.Read(old, content, block * DeltaCodec.BlockBytes);
            return content;
        });
        var watch = Stopwatch.StartNew();
        var index = new ReferenceIndex(blocks.Count);
        foreach (var (block, content) in base_)
        {
            index.Add(block, content);
        }

        var indexed = watch.Elapsed;
        using var packer = new DeltaPacker(index, (block, destination) => base_[block].CopyTo(destination), arranges: true, bytesPerSecond);
        watch.Restart();
        var packed = parts.Select(part =>
        {
            var (type, payload) = packer.Pack(part);
            return (type, payload.ToArray());
        }).ToList();
        return ((packed.Sum(part => (long)part.Item2.Length), watch.Elapsed, packed), indexed);
    }

    private static TimeSpan Unpack(Microsoft.Win32.SafeHandles.SafeFileHandle old, List<(FrameType Type, byte[] Payload)> packed)
    {
        using var unpacker = new DeltaUnpacker((block, destination) => RandomAccess.Read(old, destination, block * DeltaCodec.BlockBytes));
        var watch = Stopwatch.StartNew();
        foreach (var (type, part) in packed)
        {
            if (!unpacker.TryUnpack(PackedDelta.Read(part, isArranged: type == FrameType.ArrangedDelta), out _))
            {
                throw new BenchException("A packed part does not open against the image that it was packed against.");
            }
        }

        return watch.Elapsed;
    }
}
