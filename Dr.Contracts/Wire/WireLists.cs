namespace Dr.Contracts.Wire;

/// <summary>The lists that several messages share, each with a 16-bit count in front and a limit.</summary>
internal static class WireLists
{
    public const int MaxGenerations = 4096;
    public const int MaxPoints = 1024;
    public const int MaxSizes = 1024;

    public static void Write(in WireWriter writer, IReadOnlyList<GenerationStart> chain)
    {
        writer.UInt16(chain.Count);
        foreach (var link in chain)
        {
            writer.Id(link.Generation.Guid);
            writer.Sequence(link.After);
        }
    }

    public static GenerationStart[] ReadChain(ref WireReader reader)
    {
        var chain = new GenerationStart[Count(ref reader, MaxGenerations)];
        for (var i = 0; i < chain.Length; i++)
        {
            chain[i] = new GenerationStart(new Generation(reader.Id()), reader.Sequence());
        }

        return chain;
    }

    public static void Write(in WireWriter writer, IReadOnlyList<PointMark> points)
    {
        writer.UInt16(points.Count);
        foreach (var point in points)
        {
            Write(writer, point);
        }
    }

    public static PointMark[] ReadPoints(ref WireReader reader)
    {
        var points = new PointMark[Count(ref reader, MaxPoints)];
        for (var i = 0; i < points.Length; i++)
        {
            points[i] = ReadMark(ref reader);
        }

        return points;
    }

    public static void Write(in WireWriter writer, IReadOnlyList<FormerSize> sizes)
    {
        writer.UInt16(sizes.Count);
        foreach (var size in sizes)
        {
            writer.Int64(size.SizeBytes);
            writer.Sequence(size.UpTo);
            writer.Point(size.LastPoint);
            writer.Time(size.Until);
        }
    }

    public static FormerSize[] ReadSizes(ref WireReader reader)
    {
        var sizes = new FormerSize[Count(ref reader, MaxSizes)];
        for (var i = 0; i < sizes.Length; i++)
        {
            sizes[i] = new FormerSize(reader.Count(), reader.Sequence(), reader.Point(), reader.Time());
        }

        return sizes;
    }

    public static void Write(in WireWriter writer, PointMark point)
    {
        writer.Point(point.Id);
        writer.Sequence(point.Sequence);
    }

    public static PointMark ReadMark(ref WireReader reader) => new(reader.Point(), reader.Sequence());

    public static void Write(in WireWriter writer, PointInfo point)
    {
        writer.Point(point.Id);
        writer.Sequence(point.Sequence);
        writer.Time(point.At);
        writer.Byte((byte)point.Consistency);
        writer.Text(point.Label);
        writer.Text(point.Reason);
    }

    public static PointInfo ReadPoint(ref WireReader reader) => new()
    {
        Id = reader.Point(),
        Sequence = reader.Sequence(),
        At = reader.Time(),
        Consistency = reader.Enum(PointConsistency.Application),
        Label = reader.OptionalText(),
        Reason = reader.OptionalText(),
    };

    private static int Count(ref WireReader reader, int limit)
    {
        var count = reader.UInt16();
        return count <= limit ? count : throw new WireFormatException($"A frame's list has {count} entries; at most {limit} are allowed.");
    }
}
