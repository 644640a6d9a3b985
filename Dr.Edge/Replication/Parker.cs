using System.Runtime.InteropServices;

namespace Dr.Edge.Replication;

/// <summary>
/// Lets one thread sleep until another wakes it: a system call for each of the two, and none when the wake-up comes first. A monitor takes several, and most of the time the one who wakes still holds the mutex that the
/// woken one needs first, which sends it to sleep again; where every write of a client is a sleep, that shows. Where the kernel's way is not known it is a monitor all the same.
/// One sleeper at a time, which calls <see cref="Arm"/> before anybody may wake it.
/// </summary>
internal sealed partial class Parker
{
    private const int Idle = 0;
    private const int Asleep = 1;
    private const int Woken = 2;
    private const int FutexWaitPrivate = 128;
    private const int FutexWakePrivate = 129;
    private const int ETIMEDOUT = 110;

    /// <summary>The number of the futex call; 0: not known for this machine.</summary>
    private static readonly nint _call = !OperatingSystem.IsLinux() || !Environment.Is64BitProcess
        ? 0
        : RuntimeInformation.ProcessArchitecture switch
        {
            Architecture.X64 => 202,
            Architecture.Arm64 => 98,
            _ => 0,
        };

    // Does not move: the kernel knows it by its address. A cache line of its own.
    private readonly int[] _state = GC.AllocateArray<int>(16, pinned: true);

    /// <summary>Forgets earlier wake-ups.</summary>
    public void Arm() => Volatile.Write(ref _state[0], Idle);

    /// <summary>Ends the sleep, or the next one when it has not begun.</summary>
    public void Wake()
    {
        if (Interlocked.Exchange(ref _state[0], Woken) != Asleep)
        {
            return;
        }

        if (_call != 0)
        {
            // Nobody there any more (timed out, or woken by itself and back already): no harm, every sleeper looks at the state.
            _ = Futex(_call, AddressOfState(), FutexWakePrivate, 1, 0, 0, 0);
            return;
        }

        lock (_state)
        {
            Monitor.Pulse(_state);
        }
    }

    /// <summary>Sleeps until woken, false: <paramref name="atMost"/> has passed; then it may be called again.</summary>
    public bool Sleep(TimeSpan atMost)
    {
        while (true)
        {
            var state = Interlocked.CompareExchange(ref _state[0], Asleep, Idle);
            if (state == Woken)
            {
                return true;
            }

            if (!SleepWhileAsleep(atMost))
            {
                return Volatile.Read(ref _state[0]) == Woken;
            }
        }
    }

    // False when the time has passed; true may mean nothing at all.
    private unsafe bool SleepWhileAsleep(TimeSpan atMost)
    {
        if (_call != 0)
        {
            var time = new KernelTime((nint)(atMost.Ticks / TimeSpan.TicksPerSecond), (nint)(atMost.Ticks % TimeSpan.TicksPerSecond * 100));
            return Futex(_call, AddressOfState(), FutexWaitPrivate, Asleep, (nint)(&time), 0, 0) == 0 || Marshal.GetLastPInvokeError() != ETIMEDOUT;
        }

        lock (_state)
        {
            return Volatile.Read(ref _state[0]) != Asleep || Monitor.Wait(_state, atMost);
        }
    }

    private unsafe nint AddressOfState() => (nint)System.Runtime.CompilerServices.Unsafe.AsPointer(ref _state[0]);

    [LibraryImport("libc", EntryPoint = "syscall", SetLastError = true)]
    private static partial nint Futex(nint call, nint address, nint operation, nint value, nint timeout, nint address2, nint value3);

    [StructLayout(LayoutKind.Sequential)]
    private readonly record struct KernelTime(nint Seconds, nint Nanoseconds);
}
