using Dr.Edge.Archives.Format;

namespace Dr.Edge.Archives.Reading;

/// <summary>A part that was found on a medium: from where to where, and what its header and end say.</summary>
/// <param name="Number">By its header, or by its file's name when the header is damaged.</param>
/// <param name="Header">Null when neither copy of it is right.</param>
/// <param name="Page">The copy of the header that is right.</param>
/// <param name="HeaderDamage">What is wrong with the other copy; null when nothing is.</param>
/// <param name="End">What the part's last record says; null when it is not there. Checked by checksum only.</param>
internal sealed record ArchivePart(IArchiveInput Input, long Start, long Length, int Number, PartHeader? Header, byte[]? Page, string? HeaderDamage, PartEnd? End)
{
    public string Where => Input.Where;

    /// <summary>Reads header and end of the part that lies at <paramref name="start"/>.</summary>
    /// <exception cref="DrException">A newer version wrote it.</exception>
    public static ArchivePart Read(IArchiveInput input, long start, long length, int numberByName)
    {
        var pages = new byte[PartHeader.Copies * PartHeader.SizeBytes];
        for (var copy = 0; copy < PartHeader.Copies; copy++)
        {
            // Each by itself: a place that cannot be read must not cost the other.
            input.Read(pages.AsSpan(copy * PartHeader.SizeBytes, PartHeader.SizeBytes), start + (copy * (long)PartHeader.SizeBytes));
        }

        if (PartHeader.VersionOf(pages.AsSpan(0, PartHeader.SizeBytes)) is { } version && version != PartHeader.Version)
        {
            throw new DrException($"{input.Where} has format version {version}; this dr-edge knows version {PartHeader.Version}.", "Use a dr-edge at least as new as the one that wrote it.");
        }

        var first = PartHeader.TryRead(pages.AsSpan(0, PartHeader.SizeBytes));
        var second = PartHeader.TryRead(pages.AsSpan(PartHeader.SizeBytes));
        var agree = PartHeader.Digest(pages).AsSpan().SequenceEqual(PartHeader.Digest(pages.AsSpan(PartHeader.SizeBytes)));
        var damage = (first, second) switch
        {
            (null, null) => "both copies of the header are damaged",
            (null, _) => "the first copy of the header is damaged, the second is right",
            (_, null) => "the second copy of the header is damaged, the first is right",
            _ => agree ? null : "the two copies of the header are both right and differ",
        };
        var page = first is not null ? pages[..PartHeader.SizeBytes] : second is not null ? pages[PartHeader.SizeBytes..] : null;
        var header = first ?? second;
        return new ArchivePart(input, start, length, header?.PartNumber ?? numberByName, header, page, damage, ReadEnd(input, start + length));
    }

    /// <summary>The last record of a part that ends at <paramref name="end"/>; null when there is none.</summary>
    public static PartEnd? ReadEnd(IArchiveInput input, long end)
    {
        if (end < PartEnd.RecordBytes)
        {
            return null;
        }

        Span<byte> record = stackalloc byte[PartEnd.RecordBytes];
        return input.Read(record, end - PartEnd.RecordBytes) == PartEnd.RecordBytes && RecordHeader.TryRead(record, out var header) && header.Kind == RecordKind.End
            && RecordHeader.PayloadIsRight(record, record[RecordHeader.SizeBytes..])
            ? PartEnd.Read(record[RecordHeader.SizeBytes..])
            : null;
    }
}
