using System.Runtime.InteropServices;

namespace Dr.Edge.Host.Processes;

/// <summary>The few system calls about processes and owners that the framework does not offer.</summary>
internal static partial class Signals
{
    public const int Terminate = 15;
    public const int Kill = 9;

    /// <summary>Sends a signal; a negative <paramref name="processId"/> addresses a whole process group. False when nobody is there.</summary>
    public static bool Send(int processId, int signal)
    {
        // 0 and -1 would address our own group, or everybody.
        Invariant.Require(processId is not (0 or -1 or 1), $"signal {signal} to process {processId}");
        return NativeKill(processId, signal) == 0;
    }

    public static int EffectiveUserId() => NativeEffectiveUserId();

    public static void ChangeOwner(string path, OsUser user)
    {
        if (NativeChangeOwner(path, user.UserId, user.GroupId) != 0)
        {
            throw new DrException($"{path} could not be given to user {user.Name}: {Marshal.GetLastPInvokeErrorMessage()}.", "The agent has to run as root for a component with a user of its own.");
        }
    }

    [LibraryImport("libc", EntryPoint = "kill", SetLastError = true)]
    private static partial int NativeKill(int pid, int signal);

    [LibraryImport("libc", EntryPoint = "geteuid")]
    private static partial int NativeEffectiveUserId();

    [LibraryImport("libc", EntryPoint = "chown", SetLastError = true, StringMarshalling = StringMarshalling.Utf8)]
    private static partial int NativeChangeOwner(string path, int owner, int group);
}
