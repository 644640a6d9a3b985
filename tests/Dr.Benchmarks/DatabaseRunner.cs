using System.Globalization;

namespace Dr.Benchmarks;

/// <summary>PostgreSQL on ext4 on the export (nbdfuse, loop device, mount: the same stack over every server), and pgbench's TPC-B-like load on it. Needs root, as mounting does.</summary>
internal static class DatabaseRunner
{
    /// <summary>Room for the tables (scale 10) and for as much log as PostgreSQL keeps by default.</summary>
    public const long VolumeBytes = 4L << 30;

    private const int Clients = 4;
    private const string BinGlob = "/usr/lib/postgresql";

    /// <param name="work">A directory of our own for mount points and sockets.</param>
    public static async Task<Measurement> RunAsync(
        Pattern pattern, string peer, int round, string uri, string work, TimeSpan time, ChildProcess server, Func<Task<IAsyncDisposable?>> begin, CancellationToken cancellationToken)
    {
        var (export, mount) = (Path.Combine(work, "export"), Path.Combine(work, "mount"));
        Directory.CreateDirectory(export);
        Directory.CreateDirectory(mount);
        var image = Path.Combine(export, "nbd");
        await using var fuse = ChildProcess.Start("nbdfuse", [image, uri]);
        var undo = new Stack<(string Program, string[] Arguments)>();
        try
        {
            await WaitAsync(fuse, image, cancellationToken);
            var loop = (await RunAsync("losetup", ["--find", "--show", image])).Trim();
            undo.Push(("losetup", ["--detach", loop]));
            await RunAsync("mkfs.ext4", ["-q", "-E", "lazy_itable_init=0,lazy_journal_init=0", loop]);
            await RunAsync("mount", [loop, mount]);
            undo.Push(("umount", [mount]));
            await RunAsync("chown", ["postgres", work, mount]);
            await RunAsync("chmod", ["755", work]);
            var data = Path.Combine(mount, "data");
            await AsPostgresAsync("initdb", "--auth=trust", "--no-instructions", "-D", data);
            await AsPostgresAsync("pg_ctl", "-s", "-w", "-l", Path.Combine(mount, "log"), "-D", data, "-o", $"-c listen_addresses= -c unix_socket_directories={work}", "start");
            undo.Push(("runuser", ["-u", "postgres", "--", Tool("pg_ctl"), "-s", "-m", "fast", "-w", "-D", data, "stop"]));
            await AsPostgresAsync("pgbench", "-h", work, "-i", "-q", "-s", "10", "postgres");
            await AsPostgresAsync("pgbench", "-h", work, "-c", $"{Clients}", "-j", "2", "-T", "2", "postgres");
            await using var meanwhile = await begin();
            var before = server.ProcessorTime;
            var output = await AsPostgresAsync("pgbench", "-h", work, "-c", $"{Clients}", "-j", "2", "-T", ((int)time.TotalSeconds).ToString(CultureInfo.InvariantCulture), "postgres");
            var rate = Number(output, "tps = ");
            return new Measurement(
                pattern.Name, peer, round, rate, double.NaN, Number(output, "latency average = ") * 1000, double.NaN, (server.ProcessorTime - before).TotalMicroseconds / (rate * time.TotalSeconds), double.NaN);
        }
        finally
        {
            foreach (var (program, arguments) in undo)
            {
                // Also after Ctrl-C: a mount that stays would keep everything under it.
                await ChildProcess.RunAsync(program, arguments, CancellationToken.None);
            }
        }

        Task<string> RunAsync(string program, string[] arguments) => ChildProcess.RunAsync(program, arguments, cancellationToken, server);
        Task<string> AsPostgresAsync(string tool, params string[] arguments) => RunAsync("runuser", ["-u", "postgres", "--", Tool(tool), .. arguments]);
    }

    private static string Tool(string name) => Directory.EnumerateDirectories(BinGlob).Order(StringComparer.Ordinal).Select(version => Path.Combine(version, "bin", name)).LastOrDefault(File.Exists)
        ?? throw new BenchException($"{name} was not found under {BinGlob}. Install PostgreSQL.");

    private static async Task WaitAsync(ChildProcess fuse, string image, CancellationToken cancellationToken)
    {
        while (!File.Exists(image))
        {
            if (fuse.HasExited)
            {
                throw new BenchException($"nbdfuse ended: {(await fuse.ErrorAsync()).Trim()}");
            }

            await Task.Delay(20, cancellationToken);
        }
    }

    private static double Number(string output, string label)
    {
        var start = output.IndexOf(label, StringComparison.Ordinal);
        var end = start < 0 ? -1 : output.IndexOf(' ', start + label.Length);
        return end < 0 ? throw new BenchException($"pgbench said nothing of '{label}': {output}") : double.Parse(output.AsSpan(start + label.Length, end - start - label.Length), CultureInfo.InvariantCulture);
    }
}
