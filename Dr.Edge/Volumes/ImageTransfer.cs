using Dr.Edge.Cli;
using Dr.Edge.Volumes.Disk;
using Dr.Edge.Volumes.Format;

namespace Dr.Edge.Volumes;

/// <summary>Raw images in and out, holes kept.</summary>
internal static class ImageTransfer
{
    private const int ChunkBytes = 4 * 1024 * 1024;

    /// <summary>The volume's content becomes the image; what lies behind a shorter image reads as zeros. Durable on return.</summary>
    public static TransferResult Import(Volume volume, string path, Action<long, long> progress, CancellationToken cancellationToken)
    {
        using var file = OpenImage(path);
        var length = RandomAccess.GetLength(file);
        if (length > volume.SizeBytes)
        {
            throw new DrException($"{path} has {length} bytes, volume {volume.Name} {volume.SizeBytes}.", $"Make the volume larger: 'dr-edge volume resize {volume.Name} --size {length}'.");
        }

        var buffer = new byte[ChunkBytes];
        long position = 0;
        long data = 0;
        while (Posix.TryFindData(file, position, length, out var start, out var end))
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
                data += read;
                progress(position, length);
            }
        }

        Clear(volume, position, volume.SizeBytes - position);
        volume.Flush();
        return new TransferResult(volume.Name, path, length, data);
    }

    /// <summary>Writes the content as a raw sparse image; a file that is there is replaced only when the new one is whole and on disk.</summary>
    public static TransferResult Export(IBlockDevice device, string name, string path, Action<long, long> progress, CancellationToken cancellationToken)
    {
        var temporary = path + ".part";
        long data = 0;
        try
        {
            using (var file = DurableFile.Open(temporary, FileMode.Create, StoreFaults.None))
            {
                var buffer = new byte[ChunkBytes];
                var runs = new List<AllocationRun>();
                for (long offset = 0; offset < device.SizeBytes;)
                {
                    cancellationToken.ThrowIfCancellationRequested();
                    runs.Clear();
                    device.GetAllocation(offset, Math.Min(ChunkBytes, device.SizeBytes - offset), 1, runs);
                    var run = (int)runs[0].Length;
                    if (!runs[0].IsZero)
                    {
                        device.Read(offset, buffer.AsSpan(0, run));
                        file.Write(buffer.AsSpan(0, run), offset);
                        data += run;
                    }

                    offset += run;
                    progress(offset, device.SizeBytes);
                }

                file.Truncate(device.SizeBytes);
                file.SyncData();
            }

            File.Move(temporary, path, overwrite: true);
            DurableDirectory.Sync(Path.GetDirectoryName(Path.GetFullPath(path))!, StoreFaults.None);
        }
        catch
        {
            File.Delete(temporary);
            throw;
        }

        return new TransferResult(name, path, device.SizeBytes, data);
    }

    private static void Put(Volume volume, long offset, Memory<byte> data)
    {
        // Long runs of zeros in the file become holes here.
        Span<WriteExtent> one = new WriteExtent[1];
        for (var done = 0; done < data.Length;)
        {
            var rest = data.Span[done..];
            var zeros = rest.IndexOfAnyExcept((byte)0);
            zeros = zeros < 0 ? rest.Length : zeros & ~(StoreLimits.BlockBytes - 1);
            if (zeros >= StoreLimits.BlockBytes)
            {
                Clear(volume, offset + done, zeros);
                done += zeros;
                continue;
            }

            var length = NextZeroBlock(rest);
            one[0] = new WriteExtent(offset + done, length, ExtentKind.Data, data.Slice(done, length));
            volume.Write(one, forceUnitAccess: false);
            done += length;
        }
    }

    private static int NextZeroBlock(ReadOnlySpan<byte> data)
    {
        for (var block = StoreLimits.BlockBytes; block + StoreLimits.BlockBytes <= data.Length; block += StoreLimits.BlockBytes)
        {
            if (data.Slice(block, StoreLimits.BlockBytes).IndexOfAnyExcept((byte)0) < 0)
            {
                return block;
            }
        }

        return data.Length;
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

    private static Microsoft.Win32.SafeHandles.SafeFileHandle OpenImage(string path)
    {
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
