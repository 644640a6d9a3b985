using Dr.Edge.Volumes;
using Microsoft.Win32.SafeHandles;

namespace Dr.Benchmarks;

/// <summary>A plain file behind our NBD session: no history, no checksums. It shows what the session alone costs, so that what the store adds can be told apart.</summary>
internal sealed class RawFileDevice(string path) : IBlockDevice, IDisposable
{
    private readonly SafeFileHandle _file = File.OpenHandle(path, FileMode.Open, FileAccess.ReadWrite, FileShare.ReadWrite);
    private readonly byte[] _zeroes = new byte[1024 * 1024];

    public long SizeBytes { get; } = new FileInfo(path).Length;

    public bool IsReadOnly => false;

    public void Read(long offset, Span<byte> destination)
    {
        while (destination.Length > 0)
        {
            var count = RandomAccess.Read(_file, destination, offset);
            if (count == 0)
            {
                throw new BlockDeviceException(BlockError.IO, $"{path} ended early");
            }

            destination = destination[count..];
            offset += count;
        }
    }

    public void Write(ReadOnlySpan<WriteExtent> extents, bool forceUnitAccess)
    {
        foreach (ref readonly var extent in extents)
        {
            if (extent.Kind == ExtentKind.Data)
            {
                RandomAccess.Write(_file, extent.Data.Span, extent.Offset);
                continue;
            }

            for (var done = 0L; done < extent.Length; done += _zeroes.Length)
            {
                RandomAccess.Write(_file, _zeroes.AsSpan(0, (int)Math.Min(_zeroes.Length, extent.Length - done)), extent.Offset + done);
            }
        }

        if (forceUnitAccess)
        {
            Flush();
        }
    }

    public void Flush() => RandomAccess.FlushToDisk(_file);

    public void GetAllocation(long offset, long length, int maxRuns, List<AllocationRun> runs) => runs.Add(new AllocationRun(length, IsZero: false));

    public void Dispose() => _file.Dispose();
}

/// <summary>The one export of <see cref="RawFileDevice"/>, under every name.</summary>
internal sealed class RawFileCatalog(RawFileDevice device) : IExportCatalog
{
    private readonly ExportInfo _info = new("raw", "a plain file, for measuring", device.SizeBytes, IsReadOnly: false);

    public IReadOnlyList<ExportInfo> List() => [_info];

    public IExportLease? Open(string name) => new Lease(_info, device);

    private sealed record Lease(ExportInfo Info, IBlockDevice Device) : IExportLease
    {
        public void Dispose()
        {
            // The device belongs to the command that serves it.
        }
    }
}
