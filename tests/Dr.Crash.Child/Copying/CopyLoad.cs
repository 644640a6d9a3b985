using System.Buffers.Binary;
using Dr.Edge.Volumes;

namespace Dr.Crash.Child.Copying;

/// <summary>Where a volume's content is: the write of this number of the line of writes with this seed was its last.</summary>
internal readonly record struct LoadPosition(int Seed, int Number);

/// <summary>
/// Endless writes whose content follows from a seed and a number. Each also writes seed and number into block 0, in one call and so in one batch: any content that a store ever shows names the last write
/// in it, and can be worked out and compared.
/// </summary>
internal static class CopyLoad
{
    public const int VolumeBytes = 1024 * BlockBytes;

    /// <summary>Every so many writes one is answered only when it, and all before it, are on stable storage.</summary>
    public const int FlushedEvery = 8;

    private const int BlockBytes = 4096;

    public static LoadPosition PositionOf(ReadOnlySpan<byte> content) =>
        new(BinaryPrimitives.ReadInt32LittleEndian(content), BinaryPrimitives.ReadInt32LittleEndian(content[4..]));

    /// <summary>Writes the one numbered <paramref name="number"/> (from 1).</summary>
    public static void WriteTo(Volume volume, int seed, int number)
    {
        var (offset, data, length) = At(seed, number);
        var mark = Mark(seed, number);
        volume.Write(
            [
                new WriteExtent(0, mark.Length, ExtentKind.Data, mark),
                data is null ? new WriteExtent(offset, length, ExtentKind.Zero, default) : new WriteExtent(offset, length, ExtentKind.Data, data),
            ],
            forceUnitAccess: number % FlushedEvery == 0);
    }

    /// <summary>What it leaves.</summary>
    public static void ApplyTo(byte[] content, int seed, int number)
    {
        var (offset, data, length) = At(seed, number);
        if (data is null)
        {
            content.AsSpan(offset, length).Clear();
        }
        else
        {
            data.CopyTo(content, offset);
        }

        Mark(seed, number).CopyTo(content, 0);
    }

    private static (int Offset, byte[]? Data, int Length) At(int seed, int number)
    {
        var random = new Random(unchecked((seed * 486187739) + (number * 16777619)));
        var length = random.Next(8) == 0 ? 1 + random.Next(8000) : BlockBytes * (1 + random.Next(4));
        var offset = BlockBytes + random.Next(VolumeBytes - BlockBytes - length + 1);
        if (length % BlockBytes == 0)
        {
            offset &= ~(BlockBytes - 1);
        }

        if (random.Next(12) == 0)
        {
            return (offset, null, length);
        }

        var data = new byte[length];
        random.NextBytes(data);
        if (random.Next(3) == 0)
        {
            data.AsSpan(length / 2).Fill((byte)number); // Compressible, and often the same as before.
        }

        return (offset, data, length);
    }

    private static byte[] Mark(int seed, int number)
    {
        var mark = new byte[BlockBytes];
        BinaryPrimitives.WriteInt32LittleEndian(mark, seed);
        BinaryPrimitives.WriteInt32LittleEndian(mark.AsSpan(4), number);
        return mark;
    }
}
