using Dr.Edge.Archives.Format;

namespace Dr.Edge.Archives.Reading;

/// <summary>Finds archives: <c>NAME.0001.drarchive</c> … in a directory, or all parts of one archive in a file.</summary>
internal static class ArchiveLocator
{
    /// <summary>Every archive at a place, by name.</summary>
    /// <exception cref="DrException">There is none, or it cannot be read.</exception>
    public static IReadOnlyList<ArchiveSet> Find(string place)
    {
        place = Path.GetFullPath(place);
        if (Directory.Exists(place))
        {
            var sets = InFolder(place);
            return sets.Count > 0 ? sets : throw new DrException($"There is no archive in {place}.", $"Archives are files named NAME.0001{ArchiveNames.PartExtension}; is the right medium mounted?");
        }

        if (!File.Exists(place))
        {
            throw new DrException($"There is no {place}.", "Name the directory that holds the archive's parts, or its file.");
        }

        return [InFile(place)];
    }

    /// <summary>One archive; <paramref name="name"/> says which where there are several.</summary>
    public static ArchiveSet FindOne(string place, string? name)
    {
        var sets = Find(place);
        var wanted = name is null ? sets : [.. sets.Where(set => set.Name == name)];
        if (wanted.Count != 1)
        {
            var names = string.Join(", ", sets.Select(set => set.Name));
            foreach (var set in sets)
            {
                set.Dispose();
            }

            throw name is null
                ? new DrException($"{place} holds {sets.Count} archives: {names}.", "Say which with --name.")
                : new DrException($"{place} holds no archive named {name}.", $"There: {names}.");
        }

        foreach (var other in sets.Except(wanted))
        {
            other.Dispose();
        }

        return wanted[0];
    }

    private static List<ArchiveSet> InFolder(string folder)
    {
        var files = Directory.EnumerateFiles(folder, "*" + ArchiveNames.PartExtension)
            .Select(path => ArchiveNames.TryParsePart(Path.GetFileName(path), out var name, out var number) ? (Path: path, Name: name, Number: number) : default)
            .Where(file => file.Path is not null)
            .ToList();
        var named = files.Select(file => file.Name)
            .Concat(Directory.EnumerateFiles(folder, "*" + ArchiveNames.CatalogueExtension).Select(Path.GetFileNameWithoutExtension).OfType<string>())
            .Distinct(StringComparer.Ordinal).Order(StringComparer.Ordinal);
        return [.. named.Select(name => Assemble(folder, name, [.. files.Where(file => file.Name == name).OrderBy(file => file.Number).Select(file => (file.Path, file.Number))]))];
    }

    /// <summary>The parts of one name. Whose set another one is, or what is there twice, is told and left out.</summary>
    internal static ArchiveSet Assemble(string folder, string name, IReadOnlyList<(string Path, int Number)> files)
    {
        var findings = new List<ArchiveFinding>();
        var inputs = new List<IArchiveInput>();
        var parts = new List<ArchivePart>();
        foreach (var (path, number) in files)
        {
            FileInput input;
            try
            {
                input = new FileInput(path);
            }
            catch (DrException exception)
            {
                findings.Add(new ArchiveFinding(path, 0, 0, exception.Message));
                continue;
            }

            inputs.Add(input);
            parts.Add(ArchivePart.Read(input, 0, input.Length, number));
        }

        var catalogue = ReadCatalogue(folder, name, parts.Count > 0, findings);
        return new ArchiveSet(folder, name, Choose(parts, catalogue?.Set, findings), findings, catalogue, inputs);
    }

    /// <summary>Of one set, each part once, in order.</summary>
    internal static List<ArchivePart> Choose(IReadOnlyList<ArchivePart> found, Guid? known, List<ArchiveFinding> findings)
    {
        var set = known ?? found.FirstOrDefault(part => part.Header is not null)?.Header!.Set;
        var chosen = new SortedDictionary<int, ArchivePart>();
        foreach (var part in found)
        {
            if (part.Header is { } header && header.Set != set)
            {
                findings.Add(new ArchiveFinding(part.Where, part.Start, part.Length, $"it belongs to another archive, {header.Description.Name} of {header.Description.CreatedAt:O}"));
            }
            else if (!chosen.TryGetValue(part.Number, out var other))
            {
                chosen.Add(part.Number, part);
            }
            else
            {
                // The better one counts: with a header, then with an end.
                var better = (part.Header is not null, part.End is not null).CompareTo((other.Header is not null, other.End is not null)) > 0;
                chosen[part.Number] = better ? part : other;
                findings.Add(new ArchiveFinding((better ? other : part).Where, part.Start, 0, $"part {part.Number} is there twice; {(better ? part : other).Where} is used"));
            }
        }

        return [.. chosen.Values];
    }

    private static ArchiveCatalogue? ReadCatalogue(string folder, string name, bool hasParts, List<ArchiveFinding> findings)
    {
        var path = Path.Combine(folder, ArchiveNames.Catalogue(name));
        if (!File.Exists(path))
        {
            if (hasParts)
            {
                findings.Add(new ArchiveFinding(path, 0, 0, "the catalogue is missing"));
            }

            return null;
        }

        try
        {
            var length = new FileInfo(path).Length;
            if (length <= ArchiveCatalogue.MaxBytes && ArchiveCatalogue.TryParse(File.ReadAllBytes(path)) is { } catalogue)
            {
                return catalogue;
            }

            findings.Add(new ArchiveFinding(path, 0, length, "the catalogue is damaged; the parts say the same"));
        }
        catch (Exception exception) when (exception is IOException or UnauthorizedAccessException)
        {
            findings.Add(new ArchiveFinding(path, 0, 0, $"the catalogue cannot be read: {exception.Message}"));
        }

        return null;
    }

    /// <summary>All parts in one file, one behind another.</summary>
    internal static ArchiveSet InFile(string path)
    {
        var input = new FileInput(path);
        try
        {
            var findings = new List<ArchiveFinding>();
            var parts = Choose(FileParts.Find(input, input.Length), null, findings);
            if (parts.Count == 0)
            {
                throw new DrException($"{path} is no archive, or nothing of it can be read.", $"Archives are written by 'dr-edge archive create' of version {PartHeader.Version} or later.");
            }

            return new ArchiveSet(path, parts[0].Header?.Description.Name ?? Path.GetFileNameWithoutExtension(path), parts, findings, null, [input]);
        }
        catch
        {
            input.Dispose();
            throw;
        }
    }
}
