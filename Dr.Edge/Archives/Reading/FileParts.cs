using Dr.Edge.Archives.Format;

namespace Dr.Edge.Archives.Reading;

/// <summary>
/// Where the parts of a sequential file begin and end. From its end backwards, as every part ends with its length; where that chain breaks, every page before is looked at for a header.
/// </summary>
internal static class FileParts
{
    public static List<ArchivePart> Find(IArchiveInput input, long length)
    {
        var parts = new List<ArchivePart>();
        var end = length;
        while (end > 0 && ArchivePart.ReadEnd(input, end) is { } last && last.PartBytes > 0 && last.PartBytes <= end
            && ArchivePart.Read(input, end - last.PartBytes, last.PartBytes, 0) is { Header: not null } part && (parts.Count == 0 || part.Header!.Set == parts[0].Header!.Set))
        {
            parts.Insert(0, part);
            end -= last.PartBytes;
        }

        if (end > 0)
        {
            parts.InsertRange(0, Search(input, end, parts.FirstOrDefault()?.Header?.Set));
        }

        return parts;
    }

    /// <summary>Headers by looking at every page of [0, end).</summary>
    private static List<ArchivePart> Search(IArchiveInput input, long end, Guid? set)
    {
        var starts = new List<long>();
        var window = new ReadWindow(input);
        for (long at = 0; at + PartHeader.SizeBytes <= end; at += ArchiveLimits.PageBytes)
        {
            var page = window.Get(at, PartHeader.SizeBytes);
            if (PartHeader.TryRead(page) is { } header && (set ??= header.Set) == header.Set)
            {
                // A part begins at its first copy; when only the second is right, a page before it.
                var start = Math.Max(at - (PartHeader.CopyOf(page) * (long)PartHeader.SizeBytes), 0);
                if (starts.Count == 0 || starts[^1] != start)
                {
                    starts.Add(start);
                }
            }
        }

        return [.. starts.Select((start, i) => ArchivePart.Read(input, start, (i + 1 < starts.Count ? starts[i + 1] : end) - start, 0))];
    }
}
