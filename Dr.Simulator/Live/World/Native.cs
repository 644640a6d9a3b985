using System.ComponentModel;
using System.Runtime.InteropServices;

namespace Dr.Simulator.Live.World;

/// <summary>System calls that .NET has no name for.</summary>
internal static partial class Native
{
    public const int SIGKILL = 9;
    public const int SIGTERM = 15;
    public const int SIGCONT = 18;
    public const int SIGSTOP = 19;
    private const int OpenReadOnlyCloseOnExec = 0x80000;
    private const int NewNetwork = 0x40000000; // CLONE_NEWNET

    /// <summary>A signal to one process; false when it is not there any more.</summary>
    public static bool Signal(int process, int signal) => kill(process, signal) == 0;

    /// <summary>The calling thread works in that network from now on; it must not be one of a pool.</summary>
    /// <exception cref="Win32Exception">The namespace is not there, or we are not root.</exception>
    public static void EnterNetwork(string path)
    {
        var file = open(path, OpenReadOnlyCloseOnExec);
        if (file < 0)
        {
            throw new Win32Exception(Marshal.GetLastPInvokeError(), $"{path} cannot be opened");
        }

        var entered = setns(file, NewNetwork);
        var error = Marshal.GetLastPInvokeError();
        _ = close(file);
        if (entered != 0)
        {
            throw new Win32Exception(error, $"{path} cannot be entered");
        }
    }

    [LibraryImport("libc", SetLastError = true)]
    private static partial int kill(int process, int signal);

    [LibraryImport("libc", SetLastError = true, StringMarshalling = StringMarshalling.Utf8)]
    private static partial int open(string path, int flags);

    [LibraryImport("libc", SetLastError = true)]
    private static partial int setns(int file, int kind);

    [LibraryImport("libc", SetLastError = true)]
    private static partial int close(int file);
}
