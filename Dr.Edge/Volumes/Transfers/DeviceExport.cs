using Dr.Edge.Cli;
using Dr.Edge.Volumes.Disk;
using Microsoft.Win32.SafeHandles;

namespace Dr.Edge.Volumes.Transfers;

/// <summary>
/// Writes a view onto a block device that nothing else uses. What the device held is gone from the first byte on; zeros are written, not left out; what lies behind the volume's size stays. One that was cut off begins anew: nothing
/// beside a device could say how far it came.
/// </summary>
internal static class DeviceExport
{
    private const int ChunkBytes = 4 * 1024 * 1024;

    public static TransferResult Run(VolumeView view, string path, Action<long, long> progress, CancellationToken cancellationToken)
    {
        var errno = Posix.OpenDevice(path, out var device);
        using (device)
        {
            if (errno != 0)
            {
                throw new DrException($"{path} cannot be opened for itself alone: {Posix.Describe(errno)}.", "Unmount it and end what uses it; the dr-edge process must be able to write it.");
            }

            if (Posix.LengthOf(device) is var length && length < view.SizeBytes)
            {
                throw new DrException($"{path} has {length} bytes, volume {view.Volume.Name} {view.SizeBytes}.", "Choose a device that is at least as large. Nothing was written.");
            }

            var data = Copy(view, device, path, progress, cancellationToken);
            Require(Posix.SyncData(device), path, "flushed");
            return new TransferResult(view.Volume.Name, path, view.SizeBytes, data);
        }
    }

    private static long Copy(VolumeView view, SafeFileHandle device, string path, Action<long, long> progress, CancellationToken cancellationToken)
    {
        var buffer = new byte[ChunkBytes];
        long data = 0;
        for (long offset = 0; offset < view.SizeBytes;)
        {
            cancellationToken.ThrowIfCancellationRequested();
            var chunk = buffer.AsSpan(0, (int)Math.Min(ChunkBytes, view.SizeBytes - offset));
            view.Read(offset, chunk);
            data += ZeroBlocks.CountData(chunk);
            Require(Posix.WriteAll(device, chunk, offset), path, "written");
            offset += chunk.Length;
            progress(offset, view.SizeBytes);
        }

        return data;
    }

    private static void Require(int errno, string path, string verb)
    {
        if (errno != 0)
        {
            throw new DiskException(path, verb, errno);
        }
    }
}
