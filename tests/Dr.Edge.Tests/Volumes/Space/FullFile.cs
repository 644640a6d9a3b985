using Dr.Edge.Volumes.Disk;

namespace Dr.Edge.Tests.Volumes.Space;

/// <summary>A disk that is full for some files only: they are neither made nor written, and of a write that fails half is there all the same.</summary>
internal sealed class FullFile : StoreFaults
{
    public Predicate<string>? IsFull { get; set; }

    /// <summary>Calls that were refused.</summary>
    public int Refused { get; private set; }

    public override int BytesBeforeError(int length) => length / 2;

    public override int ErrorFor(DiskCall call, string path)
    {
        if (call is not (DiskCall.Make or DiskCall.Allocate or DiskCall.Write) || IsFull?.Invoke(path) != true)
        {
            return 0;
        }

        Refused++;
        return Posix.ENOSPC;
    }
}
