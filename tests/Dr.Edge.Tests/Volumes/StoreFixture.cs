using Dr.Edge.Volumes;
using Dr.Edge.Volumes.Disk;
using Microsoft.Extensions.Logging.Abstractions;

namespace Dr.Edge.Tests.Volumes;

/// <summary>A data directory of its own with an open set in it; both go at the end.</summary>
internal sealed class StoreFixture : IDisposable
{
    private readonly List<string> _directories = [];

    public StoreFixture(TimeProvider? time = null, StoreFaults? faults = null, TimeSpan? fineWindow = null)
    {
        Time = time ?? TimeProvider.System;
        Faults = faults ?? StoreFaults.None;
        FineWindow = fineWindow ?? TimeSpan.Zero;
        Directory = NewDirectory();
        Set = OpenSet();
    }

    public string Directory { get; private set; }

    public TimeProvider Time { get; }

    public StoreFaults Faults { get; }

    public TimeSpan FineWindow { get; }

    public VolumeSet Set { get; private set; }

    /// <summary>Closes in order and opens again; <paramref name="change"/> may damage files in between.</summary>
    public void Reopen(Action? change = null)
    {
        Set.Dispose();
        change?.Invoke();
        Set = OpenSet();
    }

    /// <summary>What <c>kill -9</c> leaves: the files as they are now, opened by a new set.</summary>
    public void Crash(Action<string>? change = null)
    {
        // A copy takes time, and what changes meanwhile would make it no instant at all.
        Set.Maintenance.DrainAsync().Wait();
        var copy = NewDirectory();
        CopyTo(copy);
        Set.Dispose();
        Directory = copy;
        change?.Invoke(copy);
        Set = OpenSet();
    }

    public void CopyTo(string target)
    {
        foreach (var source in System.IO.Directory.EnumerateFiles(Directory, "*", SearchOption.AllDirectories))
        {
            var relative = Path.GetRelativePath(Directory, source);
            if (relative == "lock")
            {
                continue;
            }

            var path = Path.Combine(target, relative);
            System.IO.Directory.CreateDirectory(Path.GetDirectoryName(path)!);
            using var from = new FileStream(source, FileMode.Open, FileAccess.Read, FileShare.ReadWrite | FileShare.Delete);
            using var to = File.Create(path);
            from.CopyTo(to);
        }
    }

    public void Dispose()
    {
        Set.Dispose();
        foreach (var directory in _directories)
        {
            System.IO.Directory.Delete(directory, recursive: true);
        }
    }

    public static byte[] ReadAll(IBlockDevice device)
    {
        var content = new byte[device.SizeBytes];
        device.Read(0, content);
        return content;
    }

    public static byte[] Pattern(int length, int seed)
    {
        var data = new byte[length];
        new Random(seed).NextBytes(data);
        return data;
    }

    public static void Write(IBlockDevice device, long offset, byte[] data, bool fua = false) =>
        device.Write([new WriteExtent(offset, data.Length, ExtentKind.Data, data)], fua);

    public static void Zero(IBlockDevice device, long offset, long length) => device.Write([new WriteExtent(offset, length, ExtentKind.Zero, default)], false);

    private VolumeSet OpenSet() => VolumeSet.Open(Directory, Time, Faults, NullLogger.Instance, FineWindow);

    private string NewDirectory()
    {
        var directory = Path.Combine(Path.GetTempPath(), $"dr-store-{Guid.NewGuid():N}");
        System.IO.Directory.CreateDirectory(directory);
        _directories.Add(directory);
        return directory;
    }
}
