using Dr.Edge.Volumes.Disk;

namespace Dr.Edge.Tests.Volumes.Expiring;

/// <summary>A disk that takes so many writes to the base and has no space for more.</summary>
internal sealed class StuckBase : StoreFaults
{
    public int WritesLeft { get; set; } = int.MaxValue;

    public override int ErrorFor(DiskCall call, string path) =>
        call == DiskCall.Write && path.EndsWith("base.img", StringComparison.Ordinal) && WritesLeft-- <= 0 ? Posix.ENOSPC : 0;
}
