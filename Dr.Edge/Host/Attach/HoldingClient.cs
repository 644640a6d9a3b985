namespace Dr.Edge.Host.Attach;

/// <summary>
/// The NBD client that holds requests while the appliance is away instead of failing them: <c>qemu-storage-daemon</c> (Debian: <c>qemu-system-common</c>). It connects again to the same address,
/// where the same appliance or another one may answer by then, and sends again what was not answered.
/// </summary>
internal static class HoldingClient
{
    public const string Program = "qemu-storage-daemon";

    /// <summary>As the kernel cuts it off in the process table.</summary>
    public const string ProcessName = "qemu-storage-da";

    /// <summary>How long requests wait when the configuration does not say: long enough for a takeover with a person in it that is ready, short enough that a system whose store is gone is seen to be down.</summary>
    public static readonly TimeSpan DefaultHold = TimeSpan.FromMinutes(2);

    public static bool IsInstalled { get; } =
        (Environment.GetEnvironmentVariable("PATH") ?? "").Split(':').Any(d => d.Length > 0 && File.Exists(Path.Combine(d, Program)));

    /// <summary>
    /// How long requests wait for an appliance at <paramref name="nbdAddress"/>; zero: they fail at once. An appliance on this machine is no other's concern: when it dies, so may what stands on it. One
    /// that is reached over the network can be taken over by another.
    /// </summary>
    public static TimeSpan HoldFor(string nbdAddress, TimeSpan? configured, bool isInstalled) =>
        configured ?? (isInstalled && nbdAddress.StartsWith("tcp:", StringComparison.Ordinal) ? DefaultHold : TimeSpan.Zero);

    /// <param name="file">An empty file, which becomes the export.</param>
    public static IReadOnlyList<string> Arguments(string nbdAddress, string export, string file, string pidFile, TimeSpan hold) =>
    [
        "--blockdev", $"driver=nbd,node-name=volume,{ExportAddress.ToQemuServer(nbdAddress)},export={Escape(export)},reconnect-delay={(long)Math.Ceiling(hold.TotalSeconds)}",
        "--export", $"type=fuse,id=export,node-name=volume,mountpoint={Escape(file)},writable=on,growable=off,allow-other=off",
        "--pidfile", pidFile,
    ];

    /// <summary>A comma ends a value; two are one in it.</summary>
    internal static string Escape(string value) => value.Replace(",", ",,", StringComparison.Ordinal);
}
