using Dr.Edge.Volumes.Disk;

namespace Dr.Crash.Child.Copying;

/// <summary>A disk that is full while it is told to be: half of a write reaches the file, nothing is made and nothing is taken ahead.</summary>
internal sealed class FullDisk : StoreFaults
{
    private const int NoSpace = 28;
    private volatile bool _isFull;
    private int _refused;

    public bool IsFull
    {
        get => _isFull;
        set => _isFull = value;
    }

    /// <summary>Only files of which this is true; null = all.</summary>
    public Predicate<string>? Only { get; init; }

    /// <summary>Calls that got the error.</summary>
    public int Refused => Volatile.Read(ref _refused);

    public override int ErrorFor(DiskCall call, string path)
    {
        if (!_isFull || call is not (DiskCall.Write or DiskCall.Make or DiskCall.Allocate) || Only?.Invoke(path) == false || (Only is not null && call == DiskCall.Make))
        {
            return 0;
        }

        Interlocked.Increment(ref _refused);
        return NoSpace;
    }

    public override int BytesBeforeError(int length) => length / 2;
}
