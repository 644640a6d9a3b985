using System.Runtime.InteropServices;
using Dr.Edge.Volumes.Writing;
using Microsoft.Win32.SafeHandles;

namespace Dr.Edge.Volumes.Disk;

/// <summary>
/// System calls the store makes itself: .NET's flush ignores some errors, and its writes hide how far they came. Every call returns its error instead of
/// throwing; interrupted calls go on.
/// </summary>
internal static partial class Posix
{
    public const int EINTR = 4;
    public const int EIO = 5;
    public const int ENOSPC = 28;
    public const int EDQUOT = 122;
    private const int OpenReadOnly = 0;
    private const int OpenDirectory = 0x10000;
    private const int OpenCloseOnExec = 0x80000;
    private const int MaxVectors = 1024; // IOV_MAX
    private const int SeekData = 3;
    private const int SeekHole = 4;

    public static bool IsFull(int errno) => errno is ENOSPC or EDQUOT;

    /// <summary>Writes all of <paramref name="data"/>; 0 or the error. What was written before an error stays in the file.</summary>
    public static unsafe int WriteAll(SafeFileHandle file, ReadOnlySpan<byte> data, long offset)
    {
        fixed (byte* start = data)
        {
            var position = start;
            var left = (nuint)data.Length;
            while (left > 0)
            {
                var written = PWrite(file, position, left, offset);
                if (written < 0)
                {
                    var errno = Marshal.GetLastPInvokeError();
                    if (errno == EINTR)
                    {
                        continue;
                    }

                    return errno;
                }

                position += written;
                offset += written;
                left -= (nuint)written;
            }
        }

        return 0;
    }

    /// <summary>Writes <paramref name="head"/> and behind it every piece; 0 or the error.</summary>
    public static unsafe int WriteAll(SafeFileHandle file, ReadOnlySpan<byte> head, GatherList pieces, long offset)
    {
        fixed (byte* start = head)
        {
            var vectors = pieces.VectorsWithHead(new IoVector((nint)start, head.Length));
            while (!vectors.IsEmpty)
            {
                nint written;
                fixed (IoVector* first = vectors)
                {
                    written = PWriteV(file, first, Math.Min(vectors.Length, MaxVectors), offset);
                }

                if (written < 0)
                {
                    var errno = Marshal.GetLastPInvokeError();
                    if (errno == EINTR)
                    {
                        continue;
                    }

                    return errno;
                }

                offset += written;
                for (; !vectors.IsEmpty && written >= vectors[0].Length; vectors = vectors[1..])
                {
                    written -= vectors[0].Length;
                }

                if (written > 0)
                {
                    vectors[0] = new IoVector(vectors[0].Start + written, vectors[0].Length - written);
                }
            }
        }

        return 0;
    }

    /// <summary>Reads until <paramref name="destination"/> is full or the file ends; bytes read, or minus the error.</summary>
    public static unsafe int Read(SafeFileHandle file, Span<byte> destination, long offset)
    {
        fixed (byte* start = destination)
        {
            var done = 0;
            while (done < destination.Length)
            {
                var read = PRead(file, start + done, (nuint)(destination.Length - done), offset + done);
                if (read < 0)
                {
                    var errno = Marshal.GetLastPInvokeError();
                    if (errno == EINTR)
                    {
                        continue;
                    }

                    return -errno;
                }

                if (read == 0)
                {
                    break;
                }

                done += (int)read;
            }

            return done;
        }
    }

    /// <summary>
    /// Has the kernel begin to write a range to the disk, and returns without waiting for it. Says nothing about durability: trouble with these writes is kept by the kernel for the
    /// next flush of the file, which is why the result is not looked at.
    /// </summary>
    public static void StartWriting(SafeFileHandle file, long offset, long length)
    {
        const uint writeOnly = 2; // SYNC_FILE_RANGE_WRITE alone neither waits nor takes an error away from the flush.
        _ = SyncFileRange(file, offset, length, writeOnly);
    }

    /// <summary>Has the kernel begin to read a range into its page cache. A hint, whose result says nothing about the data.</summary>
    public static void WillNeed(SafeFileHandle file, long offset, long length)
    {
        // Of one call Linux reads no more than a device's read-ahead, which is seldom set below this.
        const int pieceBytes = 128 * 1024;
        const int willNeed = 3;
        for (var end = offset + length; offset < end; offset += pieceBytes)
        {
            _ = FAdvise(file, offset, Math.Min(pieceBytes, end - offset), willNeed);
        }
    }

    public static int SyncData(SafeFileHandle file) => Check(FDataSync(file));

    public static int Sync(SafeFileHandle file) => Check(FSync(file));

    public static int Truncate(SafeFileHandle file, long length) => Check(FTruncate(file, length));

    public static int SyncDirectory(string path)
    {
        var descriptor = Open(path, OpenReadOnly | OpenDirectory | OpenCloseOnExec, 0);
        if (descriptor < 0)
        {
            return Marshal.GetLastPInvokeError();
        }

        using var handle = new SafeFileHandle(descriptor, ownsHandle: true);
        return Sync(handle);
    }

    /// <summary>The next run of data at or after <paramref name="offset"/>; false when there is only hole. A file system that knows no holes answers one run.</summary>
    public static bool TryFindData(SafeFileHandle file, long offset, long length, out long start, out long end)
    {
        start = LSeek(file, offset, SeekData);
        end = length;
        if (start < 0)
        {
            const int noSuchOffset = 6; // ENXIO: no data behind the offset.
            if (Marshal.GetLastPInvokeError() == noSuchOffset)
            {
                return false;
            }

            start = offset;
            return offset < length;
        }

        var hole = LSeek(file, start, SeekHole);
        end = hole < 0 ? length : Math.Min(hole, length);
        return start < end;
    }

    /// <summary>Gives the space of a range back; the range reads as zeros. False when the file system cannot.</summary>
    public static bool TryPunchHole(SafeFileHandle file, long offset, long length)
    {
        const int keepSizeAndPunchHole = 3;
        return FAllocate(file, keepSizeAndPunchHole, offset, length) == 0;
    }

    /// <summary>Takes space for a range and keeps the file's length; 0 or the error, 0 also where the file system cannot.</summary>
    public static int Allocate(SafeFileHandle file, long offset, long length)
    {
        const int keepSize = 1;
        const int notSupported = 95;
        var errno = Check(FAllocate(file, keepSize, offset, length));
        return errno == notSupported ? 0 : errno;
    }

    /// <summary>Size and available space of the file system that holds <paramref name="path"/>, in blocks; 0 or the error.</summary>
    public static unsafe int FileSystem(string path, out long blockBytes, out long blocks, out long available)
    {
        // struct statvfs begins with f_bsize, f_frsize, f_blocks, f_bfree, f_bavail, each of 8 bytes; the rest is not looked at.
        var answer = stackalloc long[32];
        var result = Check(StatVfs(path, answer));
        (blockBytes, blocks, available) = (answer[1], answer[2], answer[4]);
        return result;
    }

    /// <summary>Disk space that a file takes and the file system it is on; 0 or the error.</summary>
    public static unsafe int Allocated(string path, out long bytes, out long fileSystem)
    {
        // struct statx: the same on every machine. Blocks of 512 bytes at 48, the device's major and minor numbers at 136.
        const int currentDirectory = -100;
        const uint basicStats = 0x7ff;
        var answer = stackalloc byte[256];
        var result = Check(StatX(currentDirectory, path, 0, basicStats, answer));
        bytes = *(long*)(answer + 48) * 512;
        fileSystem = *(long*)(answer + 136);
        return result;
    }

    /// <summary>What lies at a path, symbolic links followed; <see cref="PathKind.Missing"/> also when it cannot be looked at.</summary>
    public static unsafe PathKind KindOf(string path)
    {
        // struct statx: stx_mode at 28, with the kind of file in its upper four bits.
        const int currentDirectory = -100;
        const uint type = 1;
        var answer = stackalloc byte[256];
        return Check(StatX(currentDirectory, path, 0, type, answer)) != 0 ? PathKind.Missing : (*(ushort*)(answer + 28) >> 12) switch
        {
            8 => PathKind.File,
            6 => PathKind.BlockDevice,
            4 => PathKind.Directory,
            _ => PathKind.Other,
        };
    }

    /// <summary>Opens a block device for reading and writing if nothing else has it (a mounted file system, another exclusive user); 0 or the error.</summary>
    public static int OpenDevice(string path, out SafeFileHandle device)
    {
        const int readWrite = 2;
        const int exclusive = 0x80;
        var descriptor = Open(path, readWrite | exclusive | OpenCloseOnExec, 0);
        device = new SafeFileHandle(descriptor, ownsHandle: true);
        return descriptor < 0 ? Marshal.GetLastPInvokeError() : 0;
    }

    /// <summary>Length of a file or block device in bytes.</summary>
    public static long LengthOf(SafeFileHandle file)
    {
        const int seekEnd = 2;
        return Math.Max(LSeek(file, 0, seekEnd), RandomAccess.GetLength(file));
    }

    public static string Describe(int errno) => $"{Marshal.GetPInvokeErrorMessage(errno)} (errno {errno})";

    private static int Check(int result) => result == 0 ? 0 : Marshal.GetLastPInvokeError();

    [LibraryImport("libc", EntryPoint = "pwrite", SetLastError = true)]
    private static unsafe partial nint PWrite(SafeFileHandle file, byte* buffer, nuint count, long offset);

    [LibraryImport("libc", EntryPoint = "pwritev", SetLastError = true)]
    private static unsafe partial nint PWriteV(SafeFileHandle file, IoVector* vectors, int count, long offset);

    [LibraryImport("libc", EntryPoint = "pread", SetLastError = true)]
    private static unsafe partial nint PRead(SafeFileHandle file, byte* buffer, nuint count, long offset);

    [LibraryImport("libc", EntryPoint = "fdatasync", SetLastError = true)]
    private static partial int FDataSync(SafeFileHandle file);

    [LibraryImport("libc", EntryPoint = "sync_file_range")]
    private static partial int SyncFileRange(SafeFileHandle file, long offset, long length, uint flags);

    [LibraryImport("libc", EntryPoint = "fsync", SetLastError = true)]
    private static partial int FSync(SafeFileHandle file);

    [LibraryImport("libc", EntryPoint = "posix_fadvise")]
    private static partial int FAdvise(SafeFileHandle file, long offset, long length, int advice);

    [LibraryImport("libc", EntryPoint = "ftruncate", SetLastError = true)]
    private static partial int FTruncate(SafeFileHandle file, long length);

    [LibraryImport("libc", EntryPoint = "lseek", SetLastError = true)]
    private static partial long LSeek(SafeFileHandle file, long offset, int whence);

    [LibraryImport("libc", EntryPoint = "fallocate", SetLastError = true)]
    private static partial int FAllocate(SafeFileHandle file, int mode, long offset, long length);

    [LibraryImport("libc", EntryPoint = "statvfs", SetLastError = true, StringMarshalling = StringMarshalling.Utf8)]
    private static unsafe partial int StatVfs(string path, long* answer);

    [LibraryImport("libc", EntryPoint = "statx", SetLastError = true, StringMarshalling = StringMarshalling.Utf8)]
    private static unsafe partial int StatX(int directory, string path, int flags, uint mask, byte* answer);

    [LibraryImport("libc", EntryPoint = "open", SetLastError = true, StringMarshalling = StringMarshalling.Utf8)]
    private static partial int Open(string path, int flags, int mode);

    [LibraryImport("libc", EntryPoint = "kill")]
    private static partial int Kill(int process, int signal);

    /// <summary>Ends this process as <c>kill -9</c> does: nothing is flushed, no handler runs. For crash points only.</summary>
    public static void KillSelf() => _ = Kill(Environment.ProcessId, 9);

    /// <summary>SIGSTOP to all of this process, until somebody sends SIGCONT; the calling thread does nothing more before it. For named places of tests only.</summary>
    public static void StopSelf() => _ = Raise(19);

    [LibraryImport("libc", EntryPoint = "raise")]
    private static partial int Raise(int signal);
}
