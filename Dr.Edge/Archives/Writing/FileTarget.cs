using System.Text.Json.Serialization;
using Dr.Edge.Archives.Format;
using Dr.Edge.Archives.Reading;
using Dr.Edge.Volumes.Disk;

namespace Dr.Edge.Archives.Writing;

/// <summary>
/// One file with all parts, one behind another, written from beginning to end as a tape is. It grows as <c>FILE.partial</c>; <c>FILE.partial.state</c> says how much of it is whole parts on stable storage.
/// </summary>
internal sealed class FileTarget : IArchiveTarget
{
    private const int MaxStateBytes = 4096;
    private readonly string _path;
    private readonly StoreFaults _faults;
    private readonly FileInput? _input;
    private AppendingFile? _file;
    private bool _hasWholePart;

    /// <exception cref="DrException">There is a file already.</exception>
    public FileTarget(string path, StoreFaults faults)
    {
        _path = path;
        _faults = faults;
        if (File.Exists(path))
        {
            throw new DrException($"{path} is there already.", "Choose another file, or delete it.");
        }

        if (ReadState() is { } state && new FileInfo(Partial) is { Exists: true } file && file.Length >= state.WholeBytes)
        {
            _input = new FileInput(Partial);
            WholeParts = FileParts.Find(_input, state.WholeBytes);
            _hasWholePart = true;
            if (WholeParts.Count == 0 || WholeParts.Where((part, i) => part.Number != i + 1 || part.End is null).Any())
            {
                _input.Dispose();
                throw new DrException($"{Partial} is not what an interrupted attempt left there.", "Delete it, or choose another file.");
            }
        }
    }

    public IReadOnlyList<ArchivePart> WholeParts { get; } = [];

    private string Partial => _path + ArchiveNames.PartialExtension;

    private string StatePath => Partial + ".state";

    private long WholeBytes => WholeParts.Sum(part => part.Length);

    public IArchiveOutput BeginPart(int number)
    {
        if (_file is null)
        {
            if (WholeBytes == 0)
            {
                // The old state goes, for good, before the file is begun anew: after a power cut it would speak of another one.
                DurableDirectory.Remove(StatePath, _faults);
                DurableDirectory.Sync(Path.GetDirectoryName(_path)!, _faults);
            }

            _file = new AppendingFile(Partial, WholeBytes > 0 ? FileMode.Open : FileMode.Create, WholeBytes, _faults);
        }

        return _file;
    }

    public string EndPart()
    {
        _file!.Sync();
        DurableFile.Replace(StatePath, SealedJson.Encode(new SequentialState(_file.Length), SequentialStateJson.Default.SequentialState), _faults);
        _hasWholePart = true;
        return Path.GetFileName(_path);
    }

    public void Complete(ArchiveCatalogue catalogue)
    {
        DurableDirectory.Rename(Partial, _path, _faults);
        DurableDirectory.Sync(Path.GetDirectoryName(_path)!, _faults);
        DurableDirectory.Remove(StatePath, _faults);
    }

    public void Dispose()
    {
        _file?.Dispose();
        _input?.Dispose();
        if (_file is not null && !_hasWholePart)
        {
            // Nothing of it is worth going on with, and it takes space.
            DurableDirectory.Remove(Partial, _faults);
        }
    }

    private SequentialState? ReadState()
    {
        try
        {
            return new FileInfo(StatePath) is { Exists: true, Length: <= MaxStateBytes } ? SealedJson.Parse(File.ReadAllBytes(StatePath), SequentialStateJson.Default.SequentialState) : null;
        }
        catch (Exception exception) when (exception is IOException or UnauthorizedAccessException)
        {
            // Without it the archive begins anew, which is always right.
            return null;
        }
    }
}

/// <param name="WholeBytes">Of the partial file: whole parts, on stable storage.</param>
internal sealed record SequentialState(long WholeBytes);

[JsonSerializable(typeof(SequentialState))]
internal sealed partial class SequentialStateJson : JsonSerializerContext;
