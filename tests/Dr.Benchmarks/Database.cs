using System.Globalization;

namespace Dr.Benchmarks;

/// <summary>PostgreSQL with its own settings on ext4 on an export (nbdfuse, loop device, mount: the same stack over every server). Needs root, as mounting does. Everything is undone when it is disposed.</summary>
internal sealed class Database : IAsyncDisposable
{
    private const string Versions = "/usr/lib/postgresql";
    private readonly Stack<(string Program, string[] Arguments)> _undo = new();
    private readonly ChildProcess _fuse;
    private readonly ChildProcess _server;
    private readonly string _work;
    private readonly string _mount;

    private Database(ChildProcess fuse, ChildProcess server, string work, string mount) => (_fuse, _server, _work, _mount) = (fuse, server, work, mount);

    /// <param name="work">A directory of our own for mount points and sockets.</param>
    /// <param name="server">Who serves the export.</param>
    public static async Task<Database> StartAsync(string uri, string work, ChildProcess server, CancellationToken cancellationToken)
    {
        var (export, mount) = (Path.Combine(work, "export"), Path.Combine(work, "mount"));
        Directory.CreateDirectory(export);
        Directory.CreateDirectory(mount);
        var image = Path.Combine(export, "nbd");
        var database = new Database(ChildProcess.Start("nbdfuse", [image, uri]), server, work, mount);
        try
        {
            await database.StartAsync(image, cancellationToken);
            return database;
        }
        catch
        {
            await database.DisposeAsync();
            throw;
        }
    }

    public Task FillAsync(int scale, CancellationToken cancellationToken) => AsPostgresAsync("pgbench", ["-h", _work, "-i", "-q", "-s", $"{scale}", "postgres"], cancellationToken);

    /// <summary>What pgbench says of it.</summary>
    public Task<string> RunLoadAsync(int clients, TimeSpan time, CancellationToken cancellationToken) =>
        AsPostgresAsync("pgbench", ["-h", _work, "-c", $"{clients}", "-j", "2", "-T", ((int)time.TotalSeconds).ToString(CultureInfo.InvariantCulture), "postgres"], cancellationToken);

    public Task ExecuteAsync(string sql, CancellationToken cancellationToken) => AsPostgresAsync("psql", ["-h", _work, "-q", "-c", sql, "postgres"], cancellationToken);

    /// <summary>What the file system still has in memory goes to the export.</summary>
    public Task SyncAsync(CancellationToken cancellationToken) => RunAsync("sync", ["--file-system", _mount], cancellationToken);

    public async ValueTask DisposeAsync()
    {
        foreach (var (program, arguments) in _undo)
        {
            // Also after Ctrl-C: a mount that stays would keep everything under it.
            await ChildProcess.RunAsync(program, arguments, CancellationToken.None);
        }

        await _fuse.DisposeAsync();
    }

    private async Task StartAsync(string image, CancellationToken cancellationToken)
    {
        while (!File.Exists(image))
        {
            if (_fuse.HasExited)
            {
                throw new BenchException($"nbdfuse ended: {(await _fuse.ErrorAsync()).Trim()}");
            }

            await Task.Delay(20, cancellationToken);
        }

        var loop = (await RunAsync("losetup", ["--find", "--show", image], cancellationToken)).Trim();
        _undo.Push(("losetup", ["--detach", loop]));
        await RunAsync("mkfs.ext4", ["-q", "-E", "lazy_itable_init=0,lazy_journal_init=0", loop], cancellationToken);
        await RunAsync("mount", [loop, _mount], cancellationToken);
        _undo.Push(("umount", [_mount]));
        await RunAsync("chown", ["postgres", _work, _mount], cancellationToken);
        await RunAsync("chmod", ["755", _work], cancellationToken);
        var data = Path.Combine(_mount, "data");
        await AsPostgresAsync("initdb", ["--auth=trust", "--no-instructions", "-D", data], cancellationToken);
        await AsPostgresAsync("pg_ctl", ["-s", "-w", "-l", Path.Combine(_mount, "log"), "-D", data, "-o", $"-c listen_addresses= -c unix_socket_directories={_work}", "start"], cancellationToken);
        _undo.Push(("runuser", ["-u", "postgres", "--", Tool("pg_ctl"), "-s", "-m", "fast", "-w", "-D", data, "stop"]));
    }

    private Task<string> AsPostgresAsync(string tool, string[] arguments, CancellationToken cancellationToken) =>
        RunAsync("runuser", ["-u", "postgres", "--", Tool(tool), .. arguments], cancellationToken);

    private Task<string> RunAsync(string program, string[] arguments, CancellationToken cancellationToken) => ChildProcess.RunAsync(program, arguments, cancellationToken, _server);

    private static string Tool(string name) => Directory.EnumerateDirectories(Versions).Order(StringComparer.Ordinal).Select(version => Path.Combine(version, "bin", name)).LastOrDefault(File.Exists)
        ?? throw new BenchException($"{name} was not found under {Versions}. Install PostgreSQL.");
}
