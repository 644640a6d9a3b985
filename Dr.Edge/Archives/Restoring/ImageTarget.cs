using Dr.Edge.Archives.Reading;
using Dr.Edge.Volumes.Disk;
using Dr.Edge.Volumes.Transfers;

namespace Dr.Edge.Archives.Restoring;

/// <summary>A raw sparse image, as an export writes it: <c>FILE.part</c> until it is whole, how far it came in <c>FILE.part.state</c>.</summary>
internal sealed class ImageTarget : IRestoreTarget
{
    private readonly string _path;
    private readonly StoreFaults _faults;
    private readonly DurableFile _file;
    private readonly long _sizeBytes;
    private TransferState _state;

    /// <exception cref="DrException">The path cannot be written, or something else is there.</exception>
    public ImageTarget(ArchiveSet set, string path, StoreFaults faults)
    {
        _path = CheckPath(path, set);
        _faults = faults;
        _sizeBytes = set.VolumeBytes;
        var fresh = RestoreState.Of(set);
        if (TransferState.TryRead(StatePath) is { } state && RestoreState.IsOf(state, fresh) && new FileInfo(PartPath) is { Exists: true } part && part.Length >= state.DoneBytes)
        {
            _state = state;
        }
        else
        {
            File.Delete(StatePath);
            _state = fresh;
        }

        _file = DurableFile.Open(PartPath, _state.DoneBytes > 0 ? FileMode.Open : FileMode.Create, faults);
        _file.Truncate(_state.DoneBytes);
        _file.Truncate(_sizeBytes);
    }

    public long DoneBytes => _state.DoneBytes;

    public long DataBytes => _state.DataBytes;

    private string PartPath => ImageExport.PartOf(_path);

    private string StatePath => ImageExport.StateOf(_path);

    public void Write(long offset, ReadOnlyMemory<byte> content)
    {
        try
        {
            _file.Write(content.Span, offset);
        }
        catch (DiskException exception) when (exception.IsFull)
        {
            throw new DrException(
                $"The disk of {_path} is full; {Quantities.FormatSize(_state.DoneBytes)} of {Quantities.FormatSize(_sizeBytes)} are kept in {PartPath}.",
                "Free space there and repeat the command: it goes on where it stopped. Or delete that file and its .state.",
                exception);
        }
    }

    public void Record(long doneBytes, long dataBytes)
    {
        _file.SyncData();
        _state = _state with { DoneBytes = doneBytes, DataBytes = dataBytes };
        _state.Write(StatePath, _faults);
    }

    public void Complete()
    {
        _file.SyncData();
        DurableDirectory.Rename(PartPath, _path, _faults);
        DurableDirectory.Sync(Path.GetDirectoryName(_path)!, _faults);
        File.Delete(StatePath);
    }

    public void Dispose() => _file.Dispose();

    private static string CheckPath(string path, ArchiveSet set)
    {
        path = Path.GetFullPath(path);
        if (Posix.KindOf(path) is not PathKind.Missing)
        {
            throw new DrException($"{path} is there already.", Posix.KindOf(path) == PathKind.BlockDevice ? "Restore to a file, and write that to the device." : "Choose another file, or delete it.");
        }

        return Directory.Exists(Path.GetDirectoryName(path))
            ? path
            : throw new DrException($"There is no directory {Path.GetDirectoryName(path)} for the image of {set.Name}.", "Make it, or choose another file.");
    }
}
