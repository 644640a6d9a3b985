using Dr.Edge.Volumes.Disk;

namespace Dr.Edge.Tests.Volumes;

/// <summary>A disk on which one kind of call on one kind of file fails, and which counts them.</summary>
internal sealed class FailingDisk : StoreFaults
{
    private DiskCall _call;
    private string _suffix = "";
    private int _passing;

    public int Errno { get; set; }

    public int Calls { get; private set; }

    /// <summary>The first calls still go through.</summary>
    public void FailAfter(DiskCall call, string suffix, int passed, int errno)
    {
        Fail(call, suffix, errno);
        _passing = passed;
    }

    public void Count(DiskCall call, string suffix)
    {
        Fail(call, suffix, errno: 0);
        Calls = 0;
    }

    public void Fail(DiskCall call, string suffix, int errno) => (_call, _suffix, _passing, Errno) = (call, suffix, 0, errno);

    public override int ErrorFor(DiskCall call, string path)
    {
        if (call != _call || !path.EndsWith(_suffix, StringComparison.Ordinal) || _suffix.Length == 0)
        {
            return 0;
        }

        Calls++;
        return _passing-- > 0 ? 0 : Errno;
    }
}
