using System.Runtime.InteropServices;

namespace Dr.Edge.Volumes.Disk;

/// <content>Waiting for descriptors: poll(2).</content>
internal static partial class Posix
{
    public const short PollIn = 1;
    public const short PollOut = 4;

    /// <summary>
    /// Sleeps until one of the two has what is waited for, an error or an end, or the time has passed; says which. An interrupted wait says neither. The descriptors cannot become another file's meanwhile: both handles are held
    /// until the call is back.
    /// </summary>
    /// <param name="second">Waited for to be readable; null: nothing else is waited for.</param>
    /// <exception cref="ObjectDisposedException">A handle is closed already.</exception>
    public static (bool First, bool Second) WaitFor(SafeHandle first, short events, SafeHandle? second, int timeoutMs)
    {
        var (firstHeld, secondHeld) = (false, false);
        Span<PollDescriptor> descriptors = stackalloc PollDescriptor[2];
        try
        {
            first.DangerousAddRef(ref firstHeld);
            second?.DangerousAddRef(ref secondHeld);
            descriptors[0] = new PollDescriptor { Descriptor = (int)first.DangerousGetHandle(), Events = events };
            descriptors[1] = new PollDescriptor { Descriptor = (int)(second?.DangerousGetHandle() ?? -1), Events = PollIn }; // The kernel leaves a negative one out.
            _ = Poll(ref descriptors[0], 2, timeoutMs);
            return (descriptors[0].Returned != 0, descriptors[1].Returned != 0);
        }
        finally
        {
            if (firstHeld)
            {
                first.DangerousRelease();
            }

            if (secondHeld)
            {
                second!.DangerousRelease();
            }
        }
    }

    [LibraryImport("libc", EntryPoint = "poll", SetLastError = true)]
    private static partial int Poll(ref PollDescriptor descriptors, nuint count, int timeoutMs);

    [StructLayout(LayoutKind.Sequential)]
    private struct PollDescriptor
    {
        public int Descriptor;
        public short Events;
        public short Returned;
    }
}
