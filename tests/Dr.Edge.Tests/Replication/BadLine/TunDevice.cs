using System.ComponentModel;
using System.Diagnostics;
using System.Runtime.InteropServices;
using System.Text;
using Microsoft.Win32.SafeHandles;

namespace Dr.Edge.Tests.Replication.BadLine;

/// <summary>
/// A TUN interface of its own with a network of two addresses: what the kernel sends to <see cref="Far"/> comes out of <see cref="Read"/>, what goes into <see cref="Write"/> arrives in the
/// kernel. Needs root (CAP_NET_ADMIN); gone with the object.
/// </summary>
internal sealed class TunDevice : IDisposable
{
    /// <summary>Of 198.18.0.0/15, which is set aside for measuring lines (RFC 2544): 64 networks of four addresses in the last byte, chosen by the interface's number.</summary>
    private const string Network = "198.18";

    private const int ReadWrite = 2;
    private const int NonBlocking = 0x800;
    private const ulong SetInterface = 0x400454ca; // TUNSETIFF
    private const short TunWithoutInfo = 0x1001; // IFF_TUN | IFF_NO_PI
    private const short Readable = 1;
    private readonly SafeFileHandle _device;

    private TunDevice(SafeFileHandle device, string name, string near, string far) => (_device, Name, Near, Far) = (device, name, near, far);

    public string Name { get; }

    /// <summary>This machine on the line.</summary>
    public string Near { get; }

    /// <summary>Whatever is sent there goes over the line.</summary>
    public string Far { get; }

    /// <summary>Null when this machine does not let us: <paramref name="reason"/> says why.</summary>
    public static TunDevice? TryCreate(out string reason)
    {
        reason = "";
        var device = open("/dev/net/tun", ReadWrite | NonBlocking);
        if (device.IsInvalid)
        {
            reason = $"/dev/net/tun: {new Win32Exception(Marshal.GetLastPInvokeError()).Message}";
            return null;
        }

        var request = new byte[40];
        Encoding.ASCII.GetBytes("drline%d").CopyTo(request, 0);
        BitConverter.TryWriteBytes(request.AsSpan(16), TunWithoutInfo);
        if (ioctl(device, SetInterface, request) != 0)
        {
            reason = $"TUNSETIFF: {new Win32Exception(Marshal.GetLastPInvokeError()).Message}";
            device.Dispose();
            return null;
        }

        var name = Encoding.ASCII.GetString(request, 0, Array.IndexOf(request, (byte)0));
        var number = int.Parse(name.AsSpan("drline".Length), null);
        var (third, fourth) = (number / 64, number % 64 * 4);
        var tun = new TunDevice(device, name, $"{Network}.{third}.{fourth + 1}", $"{Network}.{third}.{fourth + 2}");
        try
        {
            Ip($"addr add {tun.Near}/30 dev {name}");
            Ip($"link set {name} up");
            return tun;
        }
        catch (Exception exception) when (exception is Win32Exception or InvalidOperationException)
        {
            reason = exception.Message;
            tun.Dispose();
            return null;
        }
    }

    /// <summary>The next packet; 0 when none came within the time.</summary>
    public int Read(byte[] packet, TimeSpan within)
    {
        var wait = new PollEntry { Descriptor = (int)_device.DangerousGetHandle(), Events = Readable };
        return poll(ref wait, 1, (int)within.TotalMilliseconds) > 0 ? (int)Math.Max(0, read(_device, packet, packet.Length)) : 0;
    }

    /// <summary>A packet that the kernel does not take is lost, as on any line.</summary>
    public void Write(byte[] packet, int length) => _ = write(_device, packet, length);

    public void Dispose() => _device.Dispose();

    private static void Ip(string arguments)
    {
        using var process = Process.Start(new ProcessStartInfo("ip", arguments) { RedirectStandardError = true, UseShellExecute = false })!;
        var error = process.StandardError.ReadToEnd();
        process.WaitForExit();
        if (process.ExitCode != 0)
        {
            throw new InvalidOperationException($"ip {arguments}: {error.Trim()}");
        }
    }

    [DllImport("libc", SetLastError = true)]
    private static extern SafeFileHandle open([MarshalAs(UnmanagedType.LPUTF8Str)] string path, int flags);

    [DllImport("libc", SetLastError = true)]
    private static extern int ioctl(SafeFileHandle device, ulong request, byte[] argument);

    [DllImport("libc", SetLastError = true)]
    private static extern nint read(SafeFileHandle device, byte[] buffer, nint count);

    [DllImport("libc", SetLastError = true)]
    private static extern nint write(SafeFileHandle device, byte[] buffer, nint count);

    [DllImport("libc", SetLastError = true)]
    private static extern int poll(ref PollEntry entries, nuint count, int timeout);

    [StructLayout(LayoutKind.Sequential)]
    private struct PollEntry
    {
        public int Descriptor;
        public short Events;
        public short Returned;
    }
}
