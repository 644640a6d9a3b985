namespace Dr.Crash.Child;

internal enum StepKind
{
    Write,
    WriteThrough,
    Zero,
    Flush,
    Point,
    DeletePoint,
    Clone,
    Restore,
    Replicate,
    Diverge,
    Group,
}

/// <summary>One step of a history. Everything follows from the seed and the number of the step, so that the one who checks knows what the one who died was doing.</summary>
internal readonly record struct Step(StepKind Kind, int Offset, int Length, int Seed)
{
    public const int VolumeBytes = 256 * 4096;

    /// <summary>Every fourth stretch of so many steps is a database's: small writes, each through to the disk.</summary>
    private const int StretchSteps = 32;

    public static Step At(int seed, int number)
    {
        var random = new Random(HashCode(seed, number));
        var isDatabase = number / StretchSteps % 4 == 3;
        var kind = random.Next(100) switch
        {
            _ when isDatabase => StepKind.WriteThrough,
            < 45 => StepKind.Write,
            < 58 => StepKind.WriteThrough,
            < 66 => StepKind.Zero,
            < 74 => StepKind.Flush,
            < 82 => StepKind.Point,
            < 84 => StepKind.Group,
            < 90 => StepKind.DeletePoint,
            < 91 => StepKind.Clone,
            < 94 => StepKind.Restore,
            < 98 => StepKind.Replicate,
            _ => StepKind.Diverge,
        };
        var aligned = random.Next(2) == 0;
        var offset = random.Next(VolumeBytes);
        var length = 1 + random.Next(kind == StepKind.Zero ? 100_000 : isDatabase ? 8_000 : 40_000);
        if (aligned)
        {
            offset &= ~4095;
            length = (length + 4095) & ~4095;
        }

        return new Step(kind, offset, Math.Min(length, VolumeBytes - offset), random.Next());
    }

    public byte[] Data()
    {
        var data = new byte[Length];
        new Random(Seed).NextBytes(data);
        return data;
    }

    /// <summary>What the step leaves of the live volume's content; only writes and zeros change it here.</summary>
    public void ApplyTo(byte[] content)
    {
        switch (Kind)
        {
            case StepKind.Write or StepKind.WriteThrough:
                Data().CopyTo(content, Offset);
                break;
            case StepKind.Zero:
                content.AsSpan(Offset, Length).Clear();
                break;
        }
    }

    // The framework's own combination differs from process to process.
    private static int HashCode(int seed, int number) => unchecked((seed * 486187739) + (number * 16777619));
}
