using Dr.Edge.Archives.Format;

namespace Dr.Edge.Archives.Reading;

/// <summary>The parts of one archive that were found, in order, each once.</summary>
internal sealed class ArchiveSet : IDisposable
{
    private readonly IReadOnlyList<IArchiveInput> _inputs;

    public ArchiveSet(string place, string name, IReadOnlyList<ArchivePart> parts, IReadOnlyList<ArchiveFinding> findings, ArchiveCatalogue? catalogue, IReadOnlyList<IArchiveInput> inputs)
    {
        Place = place;
        Name = name;
        Parts = parts;
        Findings = findings;
        Catalogue = catalogue;
        _inputs = inputs;
        Header = parts.FirstOrDefault(part => part.Header is not null)?.Header;
    }

    /// <summary>The directory or file.</summary>
    public string Place { get; }

    public string Name { get; }

    public IReadOnlyList<ArchivePart> Parts { get; }

    /// <summary>What is wrong with the set as such.</summary>
    public IReadOnlyList<ArchiveFinding> Findings { get; }

    /// <summary>Null when there is none, or a damaged one.</summary>
    public ArchiveCatalogue? Catalogue { get; }

    /// <summary>Of any part, as far as it is the same in all; null when no part's header can be read.</summary>
    public PartHeader? Header { get; }

    public ArchiveDescription? Description => Header?.Description ?? Catalogue?.Description;

    public long VolumeBytes => Header?.VolumeBytes ?? Catalogue?.VolumeBytes ?? 0;

    /// <summary>How many parts there are; 0 when nothing says so.</summary>
    public int ExpectedParts => Parts.FirstOrDefault(part => part.End is { IsLast: true })?.Number ?? Catalogue?.Parts.Count ?? 0;

    /// <summary>What is missing or incomplete, as far as headers and ends tell without reading the content; empty when nothing is.</summary>
    public IReadOnlyList<string> Gaps()
    {
        var gaps = new List<string>();
        var next = 1;
        foreach (var part in Parts)
        {
            if (part.Number > next)
            {
                gaps.Add(part.Number - 1 == next ? $"part {next} is missing" : $"parts {next} to {part.Number - 1} are missing");
            }

            if (part.Header is null)
            {
                gaps.Add($"the header of part {part.Number} is damaged");
            }

            if (part.End is null || part.End.Value.PartBytes != part.Length)
            {
                gaps.Add($"part {part.Number} does not end as it should");
            }

            next = part.Number + 1;
        }

        if (ExpectedParts == 0 || next <= ExpectedParts)
        {
            gaps.Add(ExpectedParts == 0 ? "the end is missing" : next == ExpectedParts ? $"part {next} is missing" : $"parts {next} to {ExpectedParts} are missing");
        }

        return gaps;
    }

    public void Dispose()
    {
        foreach (var input in _inputs)
        {
            input.Dispose();
        }
    }
}
