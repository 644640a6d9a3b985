using Dr.Edge.Cli;
using Dr.Edge.Volumes.Disk;
using Microsoft.Win32.SafeHandles;

namespace Dr.Edge.Volumes.Transfers;

/// <summary>
/// Makes a raw image (a file or a block device) a volume's content, holes kept; what lies behind a shorter image reads as zeros. How far it came is in <c>import.state</c> in the volume's directory:
/// repeated with the same file, unchanged, an import goes on there, unless something else was written meanwhile.
/// </summary>
internal static class ImageImport
{
    public const string StateName = "import.state";
    private const int ChunkBytes = 4 * 1024 * 1024;

    public static TransferResult Run(Volume volume, string path, Action<long, long> progress, CancellationToken cancellationToken, long stepBytes = TransferState.StepBytes)
    {
        using var file = OpenImage(path);
        var length = Posix.LengthOf(file);
        if (length == 0)
        {
            throw new DrException($"{path} is empty: there is nothing to import.", "Is it the right file, and was it written to its end?");
        }

        if (length > volume.SizeBytes)
        {
            throw new DrException($"{path} has {length} bytes, volume {volume.Name} {volume.SizeBytes}.", $"Make the volume larger: 'dr-edge volume resize {volume.Name} --size {(length + 4095) / 4096 * 4096}'.");
        }

        var statePath = Path.Combine(volume.DirectoryPath, StateName);
        var fresh = new TransferState
        {
            Volume = volume.Id,
            Generation = volume.GenerationAt(volume.Appended.Value),
            Sequence = volume.Appended.Value,
            SizeBytes = volume.SizeBytes,
            File = path,
            FileBytes = length,
            FileTicks = File.GetLastWriteTimeUtc(path).Ticks,
        };
        var state = FindResumable(volume, statePath, fresh, RandomAccess.GetLength(file) == length);
        var resumed = state.DoneBytes;
        state = Copy(volume, file, path, state, statePath, progress, stepBytes, cancellationToken);
        Clear(volume, length, volume.SizeBytes - length);
        volume.Flush();
        DurableDirectory.Remove(statePath, volume.Faults);
        return new TransferResult(volume.Name, path, length, state.DataBytes) { ResumedAtBytes = resumed };
    }

    /// <summary>
    /// Only when the source is the same file, unchanged, and the volume still holds what the import had made durable: since then nothing was written but behind it, which the import does again.
    /// </summary>
    /// <param name="isFile">A block device does not tell when it was changed: its import always begins anew.</param>
    private static TransferState FindResumable(Volume volume, string statePath, TransferState fresh, bool isFile)
    {
        if (isFile && TransferState.TryRead(statePath) is { } state && state.DoneBytes <= fresh.FileBytes
            && state with { DoneBytes = 0, DataBytes = 0, Sequence = fresh.Sequence, Generation = fresh.Generation } == fresh
            && state.Sequence <= fresh.Sequence && volume.GenerationAt(state.Sequence) == state.Generation
            && volume.IsUnchangedBefore(state.DoneBytes / Format.StoreLimits.BlockBytes, state.Sequence))
        {
            return state;
        }

        DurableDirectory.Remove(statePath, volume.Faults);
        return fresh;
    }

    private static TransferState Copy(Volume volume, SafeFileHandle file, string path, TransferState state, string statePath, Action<long, long> progress, long stepBytes, CancellationToken cancellationToken)
    {
        var buffer = new byte[ChunkBytes];
        var (position, data, recorded) = (state.DoneBytes, state.DataBytes, state.DoneBytes);
        try
        {
            while (Posix.TryFindData(file, position, state.FileBytes, out var start, out var end))
            {
                Clear(volume, position, start - position);
                for (position = start; position < end;)
                {
                    cancellationToken.ThrowIfCancellationRequested();
                    var part = (int)Math.Min(ChunkBytes - (position % ChunkBytes), end - position);
                    var read = Posix.Read(file, buffer.AsSpan(0, part), position);
                    if (read <= 0)
                    {
                        throw new DrException($"{path} could not be read at byte {position}{(read < 0 ? $": {Posix.Describe(-read)}" : ", it ended early")}.", "Is it being changed?");
                    }

                    Put(volume, position, buffer.AsMemory(0, read));
                    position += read;
                    data += ZeroBlocks.CountData(buffer.AsSpan(0, read));
                    progress(position, state.FileBytes);
                    if (position - recorded >= stepBytes)
                    {
                        state = Record(volume, state with { DoneBytes = position, DataBytes = data }, statePath);
                        recorded = position;
                    }
                }
            }
        }
        catch (Exception exception) when (exception is OperationCanceledException or DrException && volume.Fault is null && position % Format.StoreLimits.BlockBytes == 0)
        {
            // Stopped in order: all that was done counts, so that the next attempt begins here.
            Record(volume, state with { DoneBytes = position, DataBytes = data }, statePath);
            throw;
        }

        Clear(volume, position, state.FileBytes - position);
        return state with { DoneBytes = state.FileBytes, DataBytes = data };
    }

    private static TransferState Record(Volume volume, TransferState state, string statePath)
    {
        volume.Flush();
        state = state with { Sequence = volume.Durable.Value, Generation = volume.GenerationAt(volume.Durable.Value) };
        state.Write(statePath, volume.Faults);
        return state;
    }

    private static void Put(Volume volume, long offset, Memory<byte> data)
    {
        // Long runs of zeros in the file become holes here.
        Span<WriteExtent> one = new WriteExtent[1];
        for (var done = 0; done < data.Length;)
        {
            var zeros = ZeroBlocks.CountLeading(data.Span[done..]);
            Clear(volume, offset + done, zeros);
            done += zeros;
            var length = ZeroBlocks.CountUntilZeros(data.Span[done..]);
            if (length > 0)
            {
                one[0] = new WriteExtent(offset + done, length, ExtentKind.Data, data.Slice(done, length));
                volume.Write(one, forceUnitAccess: false);
                done += length;
            }
        }
    }

    private static void Clear(Volume volume, long offset, long length)
    {
        var runs = new List<AllocationRun>();
        for (long done = 0; done < length;)
        {
            // Only what is not zeros already is worth a record.
            runs.Clear();
            volume.GetAllocation(offset + done, length - done, 1, runs);
            if (!runs[0].IsZero)
            {
                volume.Write([new WriteExtent(offset + done, runs[0].Length, ExtentKind.Zero, default)], forceUnitAccess: false);
            }

            done += runs[0].Length;
        }
    }

    private static SafeFileHandle OpenImage(string path)
    {
        var problem = Posix.KindOf(path) switch
        {
            PathKind.Missing => "is not there, or not for the dr-edge process to see",
            PathKind.Directory => "is a directory",
            PathKind.Other => "is neither a file nor a block device",
            _ => null,
        };
        if (problem is not null)
        {
            throw new DrException($"{path} {problem}.", "Name a raw image or a block device; the path is looked at by the dr-edge process.");
        }

        try
        {
            return File.OpenHandle(path);
        }
        catch (Exception exception) when (exception is IOException or UnauthorizedAccessException)
        {
            throw new DrException($"{path} cannot be read: {exception.Message}", "The dr-edge process must be able to read it.", exception);
        }
    }
}
