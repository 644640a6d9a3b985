using Dr.Edge.Archives.Format;
using Dr.Edge.Volumes;
using Dr.Edge.Volumes.Disk;

namespace Dr.Edge.Archives.Writing;

/// <summary>Archives a view of a volume to a directory or a file.</summary>
internal static class ArchiveCreation
{
    /// <param name="point">The point that the view shows; null for a time.</param>
    /// <exception cref="DrException">The medium is full or failed, the volume is damaged where it was read, or the target is taken.</exception>
    public static ArchiveResult Run(VolumeView view, PointInfo? point, ArchiveRequest request, DateTimeOffset now, Action<long, long> progress, CancellationToken cancellationToken)
    {
        var volume = view.Volume;
        var (place, isFolder) = CheckPlace(volume, request.To);
        var name = request.Name ?? (isFolder ? ArchiveNames.Default(volume.Name, point?.Id, view.Sequence.Value) : Path.GetFileNameWithoutExtension(place));
        if (name.Length == 0 || Path.GetFileName(name) != name)
        {
            throw new DrException($"'{name}' is no name for an archive.", "A name without directories: the files of its parts begin with it.");
        }

        var description = new ArchiveDescription
        {
            Name = name,
            Volume = volume.Id,
            VolumeName = volume.Name,
            Generation = volume.GenerationAt(view.Sequence.Value),
            Sequence = view.Sequence.Value,
            At = view.At,
            Point = point?.Id,
            Label = point?.Label,
            Consistency = point?.Consistency ?? default,
            CreatedAt = now,
            PartBytes = request.PartBytes,
            Compressed = request.Compress,
        };
        using IArchiveTarget target = isFolder ? new FolderTarget(place, name, volume.Faults) : new FileTarget(place, volume.Faults);
        var writer = new ArchiveWriter(view, target, description, request.Secret is null ? null : new ArchiveSecret(request.KeyKind, request.Secret));
        try
        {
            var catalogue = writer.Run(progress, cancellationToken);
            return new ArchiveResult(volume.Name, name, place, catalogue.Parts.Count, catalogue.Parts.Sum(part => part.Bytes), catalogue.ContentBytes, catalogue.VolumeBytes) { ResumedAtBytes = writer.ResumedAtBytes };
        }
        catch (DiskException exception) when (exception.IsFull)
        {
            throw new DrException(
                $"The medium at {place} is full after {writer.PartCount} whole part(s), {Quantities.FormatSize(writer.ArchivedBytes)} of {Quantities.FormatSize(view.SizeBytes)} of {volume.Name}.",
                "Free space there and repeat the command: it goes on behind them. A smaller --part-size loses less each time.",
                exception);
        }
    }

    private static (string Place, bool IsFolder) CheckPlace(Volume volume, string to)
    {
        var place = Path.GetFullPath(to);
        var store = Path.GetDirectoryName(Path.GetDirectoryName(volume.DirectoryPath))!;
        var kind = Posix.KindOf(place);
        if (place == store || place.StartsWith(store + Path.DirectorySeparatorChar, StringComparison.Ordinal))
        {
            throw new DrException($"{place} lies in the data directory {store}.", "An archive belongs on another medium.");
        }

        if (kind is not (PathKind.Directory or PathKind.File or PathKind.Missing))
        {
            throw new DrException($"{place} is neither a directory nor a file.", "Mount the medium and name a directory on it, or a file.");
        }

        return kind == PathKind.Directory || Directory.Exists(Path.GetDirectoryName(place))
            ? (place, kind == PathKind.Directory)
            : throw new DrException($"There is no directory {Path.GetDirectoryName(place)}.", "Make it; is the medium mounted?");
    }
}
