using Dr.Edge.Cli;
using Dr.Edge.Volumes.Disk;

namespace Dr.Edge.Volumes.Transfers;

/// <summary>
/// Writes a view as a raw sparse image. It grows under <c>FILE.part</c>, with <c>FILE.part.state</c> beside it; a file that is there is replaced only when the new one is whole and on disk. What was cut
/// off goes on where it left off when the same position of the same volume is exported to the same file again.
/// </summary>
internal static class ImageExport
{
    private const int ChunkBytes = 4 * 1024 * 1024;

    public static string PartOf(string path) => path + ".part";

    public static string StateOf(string path) => PartOf(path) + ".state";

    public static TransferResult Run(VolumeView view, string path, Action<long, long> progress, CancellationToken cancellationToken, long stepBytes = TransferState.StepBytes)
    {
        path = CheckTarget(view.Volume, path);
        if (Posix.KindOf(path) == PathKind.BlockDevice)
        {
            return DeviceExport.Run(view, path, progress, cancellationToken);
        }

        var part = PartOf(path);
        var fresh = new TransferState
        {
            Volume = view.Volume.Id,
            Generation = view.Volume.GenerationAt(view.Sequence.Value),
            Sequence = view.Sequence.Value,
            SizeBytes = view.SizeBytes,
        };
        var state = FindResumable(path, fresh);
        var resumed = state.DoneBytes;
        using (var file = DurableFile.Open(part, resumed > 0 ? FileMode.Open : FileMode.Create, view.Volume.Faults))
        {
            try
            {
                // What lies behind the last recorded step may be anything.
                file.Truncate(resumed);
                state = Copy(view, file, state, step => step.Write(StateOf(path), view.Volume.Faults), progress, stepBytes, cancellationToken);
                file.Truncate(view.SizeBytes);
                file.SyncData();
            }
            catch (DiskException exception) when (exception.IsFull)
            {
                throw new DrException(
                    $"The disk of {path} is full; {Quantities.FormatSize(TransferState.TryRead(StateOf(path))?.DoneBytes ?? 0)} of {Quantities.FormatSize(view.SizeBytes)} are kept in {part}.",
                    "Free space there and repeat the command: it goes on where it stopped. Or delete that file and its .state.",
                    exception);
            }
        }

        DurableDirectory.Rename(part, path, view.Volume.Faults);
        DurableDirectory.Sync(Path.GetDirectoryName(Path.GetFullPath(path))!, view.Volume.Faults);
        File.Delete(StateOf(path));
        return new TransferResult(view.Volume.Name, path, view.SizeBytes, state.DataBytes) { ResumedAtBytes = resumed };
    }

    /// <summary>Where the image goes, links followed. A device is never replaced by a file, and nothing in the store's own directory is ever written.</summary>
    private static string CheckTarget(Volume volume, string path)
    {
        path = Path.GetFullPath((File.Exists(path) ? File.ResolveLinkTarget(path, returnFinalTarget: true)?.FullName : null) ?? path);
        var store = Path.GetDirectoryName(Path.GetDirectoryName(volume.DirectoryPath))!;
        if (path.StartsWith(store + Path.DirectorySeparatorChar, StringComparison.Ordinal))
        {
            throw new DrException($"{path} lies in the data directory {store}.", "Choose a FILE outside it.");
        }

        if (Directory.GetParent(path) is not { Exists: true } folder)
        {
            throw new DrException($"There is no directory {Path.GetDirectoryName(path)}.", "Make it, or choose another FILE.");
        }

        return Posix.KindOf(path) switch
        {
            PathKind.Directory => throw new DrException($"{path} is a directory.", $"Name the file in it: {Path.Combine(path, $"{volume.Name}.img")}."),
            PathKind.Other => throw new DrException($"{path} is neither a file nor a block device.", "Choose another FILE."),
            PathKind.Missing or PathKind.File when Posix.KindOf(PartOf(path)) is not (PathKind.Missing or PathKind.File) => throw new DrException($"{PartOf(path)} is in the way.", $"Choose another FILE than {path} in {folder}."),
            _ => path,
        };
    }

    private static TransferState FindResumable(string path, TransferState fresh)
    {
        if (TransferState.TryRead(StateOf(path)) is { } state
            && state with { DoneBytes = 0, DataBytes = 0 } == fresh
            && state.DoneBytes <= fresh.SizeBytes
            && File.Exists(PartOf(path)) && new FileInfo(PartOf(path)).Length >= state.DoneBytes)
        {
            return state;
        }

        // The old state goes before the part is begun anew, so that it never speaks of another one.
        File.Delete(StateOf(path));
        return fresh;
    }

    private static TransferState Copy(VolumeView view, DurableFile file, TransferState state, Action<TransferState> record, Action<long, long> progress, long stepBytes, CancellationToken cancellationToken)
    {
        var buffer = new byte[ChunkBytes];
        var runs = new List<AllocationRun>();
        var (offset, data, recorded) = (state.DoneBytes, state.DataBytes, state.DoneBytes);
        while (offset < view.SizeBytes)
        {
            if (cancellationToken.IsCancellationRequested && offset > recorded)
            {
                // Stopped in order: all that was done counts.
                Record(offset);
            }

            cancellationToken.ThrowIfCancellationRequested();
            runs.Clear();
            view.GetAllocation(offset, Math.Min(ChunkBytes, view.SizeBytes - offset), 1, runs);
            var run = (int)runs[0].Length;
            if (!runs[0].IsZero)
            {
                view.Read(offset, buffer.AsSpan(0, run));
                data += WriteWithHoles(file, buffer.AsSpan(0, run), offset);
            }

            offset += run;
            progress(offset, view.SizeBytes);
            if (offset - recorded >= stepBytes)
            {
                Record(offset);
            }
        }

        return state with { DoneBytes = offset, DataBytes = data };

        void Record(long done)
        {
            file.Truncate(done);
            file.SyncData();
            record(state with { DoneBytes = done, DataBytes = data });
            recorded = done;
        }
    }

    /// <summary>Blocks of written zeros become holes too. Returns the bytes that are data.</summary>
    private static long WriteWithHoles(DurableFile file, ReadOnlySpan<byte> data, long offset)
    {
        long written = 0;
        for (var start = 0; start < data.Length;)
        {
            var zeros = ZeroBlocks.CountLeading(data[start..]);
            start += zeros;
            var length = ZeroBlocks.CountUntilZeros(data[start..]);
            if (length > 0)
            {
                file.Write(data.Slice(start, length), offset + start);
                written += length;
                start += length;
            }
        }

        return written;
    }
}
