using System.Runtime.InteropServices;
using Dr.Edge.Volumes;
using Microsoft.Win32.SafeHandles;

namespace Dr.Edge.Nbd;

/// <summary>
/// Ends a session's wait for input when something else is there for it to do (an eventfd beside the socket: eventfd(2), poll(2)). A system call for who wakes, and none when the session is not asleep. Linux.
/// Between <see cref="TryBegin"/> and <see cref="End"/> the session sleeps on <see cref="Handle"/> and its socket.
/// </summary>
internal sealed partial class InputWaker : ConfirmationWaiter, IDisposable
{
    private const int Idle = 0;
    private const int Asleep = 1;
    private const int Woken = 2;
    private const int NonBlocking = 0x800;
    private const int CloseOnExec = 0x80000;

    private readonly SafeFileHandle _event;
    private int _state;

    private InputWaker(SafeFileHandle @event) => _event = @event;

    public static bool IsSupported => OperatingSystem.IsLinux();

    /// <summary>Null: the process has no descriptor left.</summary>
    public static InputWaker? TryCreate()
    {
        var descriptor = EventFd(0, NonBlocking | CloseOnExec);
        return descriptor < 0 ? null : new InputWaker(new SafeFileHandle(descriptor, ownsHandle: true));
    }

    public SafeHandle Handle => _event;

    /// <summary>False: woken already, there is nothing to sleep for.</summary>
    public bool TryBegin()
    {
        if (Interlocked.CompareExchange(ref _state, Asleep, Idle) == Idle)
        {
            return true;
        }

        Volatile.Write(ref _state, Idle);
        return false;
    }

    /// <param name="isReadable">The kernel said so of <see cref="Handle"/>. A wake-up that came at the same time as input may say so to the next sleep only, which then ends for nothing.</param>
    public void End(bool isReadable)
    {
        Interlocked.Exchange(ref _state, Idle);
        if (isReadable)
        {
            var value = 0L;
            _ = Read(_event, ref value, sizeof(long));
        }
    }

    public void Dispose() => _event.Dispose();

    protected internal override void Wake()
    {
        if (Interlocked.Exchange(ref _state, Woken) == Asleep)
        {
            var one = 1L;
            _ = Write(_event, ref one, sizeof(long));
        }
    }

    [LibraryImport("libc", EntryPoint = "eventfd")]
    private static partial int EventFd(uint value, int flags);

    [LibraryImport("libc", EntryPoint = "read")]
    private static partial nint Read(SafeHandle file, ref long value, nuint count);

    [LibraryImport("libc", EntryPoint = "write")]
    private static partial nint Write(SafeHandle file, ref long value, nuint count);
}
