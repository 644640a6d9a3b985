using Dr.Edge.Archives.Format;
using Dr.Edge.Archives.Reading;
using Dr.Edge.Volumes.Disk;

namespace Dr.Edge.Archives.Writing;

/// <summary>A directory: a file for every part, which has its name only when it is whole, and the catalogue when all are.</summary>
internal sealed class FolderTarget : IArchiveTarget
{
    private readonly string _folder;
    private readonly string _name;
    private readonly StoreFaults _faults;
    private readonly ArchiveSet? _before;
    private AppendingFile? _file;
    private string _path = "";

    /// <exception cref="DrException">An archive of that name is there and whole, or what is there is none.</exception>
    public FolderTarget(string folder, string name, StoreFaults faults)
    {
        _folder = folder;
        _name = name;
        _faults = faults;
        if (File.Exists(Path.Combine(folder, ArchiveNames.Catalogue(name))))
        {
            throw new DrException($"{folder} holds an archive named {name} already, and it is whole.", "Choose another --name, or delete its files.");
        }

        var files = Directory.EnumerateFiles(folder, $"{name}.*{ArchiveNames.PartExtension}")
            .Select(path => (Path: path, IsPart: ArchiveNames.TryParsePart(Path.GetFileName(path), out var found, out var number) && found == name, Number: number))
            .Where(file => file.IsPart).OrderBy(file => file.Number).ToList();
        if (files.Count == 0)
        {
            return;
        }

        _before = ArchiveLocator.Assemble(folder, name, [.. files.Select(file => (file.Path, file.Number))]);
        if (_before.Parts.Count != files.Count || _before.Parts.Where((part, i) => part.Number != i + 1 || part.Header is null || part.End is null || part.End.Value.PartBytes != part.Length).Any())
        {
            _before.Dispose();
            throw new DrException($"What {folder} holds of an archive named {name} does not fit together.", $"'dr-edge archive verify {folder} --name {name}' says what is wrong. Choose another --name, or delete its files.");
        }
    }

    public IReadOnlyList<ArchivePart> WholeParts => _before?.Parts ?? [];

    public IArchiveOutput BeginPart(int number)
    {
        _path = Path.Combine(_folder, ArchiveNames.Part(_name, number));
        return _file = new AppendingFile(_path + ArchiveNames.PartialExtension, FileMode.Create, 0, _faults);
    }

    public string EndPart()
    {
        _file!.Sync();
        _file.Dispose();
        _file = null;
        DurableDirectory.Rename(_path + ArchiveNames.PartialExtension, _path, _faults);
        DurableDirectory.Sync(_folder, _faults);
        return Path.GetFileName(_path);
    }

    public void Complete(ArchiveCatalogue catalogue) => DurableFile.Replace(Path.Combine(_folder, ArchiveNames.Catalogue(_name)), catalogue.Encode(), _faults);

    public void Dispose()
    {
        if (_file is not null)
        {
            // Begun and not ended: worth nothing, and it takes space.
            _file.Dispose();
            DurableDirectory.Remove(_path + ArchiveNames.PartialExtension, _faults);
        }

        _before?.Dispose();
    }
}
