using System.Net;
using System.Net.Sockets;
using Dr.Contracts.Ids;
using Dr.Edge.Host;
using Dr.Edge.Host.Attach;
using Dr.Edge.Host.Components;
using Dr.Edge.Host.Config;
using Dr.Edge.Host.Processes;
using Microsoft.Extensions.Logging.Abstractions;
using Npgsql;

namespace Dr.Edge.Tests.Host;

/// <summary>
/// A machine to try the host role on: an NBD server of another make, a real file system, a real PostgreSQL. Needs root, FUSE and loop devices.
/// Disposing leaves nothing behind, whatever the test did.
/// </summary>
internal sealed class HostStand : IAsyncDisposable
{
    public static readonly TimeSpan Patience = TimeSpan.FromSeconds(30);
    private readonly List<HostedSystemSession> _sessions = [];
    private ProcessMark? _server;

    private HostStand(string root)
    {
        Root = root;
        System = new SystemConfig
        {
            Id = "dilas",
            Volume = "dilas",
            Mount = Path.Combine(root, "mnt"),
            Nbd = $"unix:{SocketPath}",
            CloneMounts = Path.Combine(root, "clones"),
            Quiesce = new QuiesceOptions { Provider = QuiesceOptions.PostgreSqlProvider },
            Components =
            [
                new ComponentOptions
                {
                    Name = "postgresql",
                    Kind = ComponentOptions.PostgreSqlKind,
                    DataDirectory = Path.Combine(root, "mnt", "pg"),
                    Port = FreePorts.Next(),
                    Authentication = "trust",
                    Check = new CheckOptions { Sql = "select 1", Period = TimeSpan.FromMilliseconds(300) },
                    StopTimeout = TimeSpan.FromSeconds(10),
                },
            ],
        };
    }

    public string Root { get; }

    public SystemConfig System { get; }

    public string Data => Path.Combine(Root, "data");

    public string Disk => Path.Combine(Root, "disk.img");

    public string ServerLog => Path.Combine(Root, "nbd.log");

    public ComponentOptions PostgreSql => System.Components[0];

    public HostPaths Paths => new(Data, System.Id, System.Volume!);

    /// <summary>As an application connects.</summary>
    public string Connection => $"Host=127.0.0.1;Port={PostgreSql.Port};Username=postgres;Database=postgres;Pooling=false;Timeout=5";

    public async Task ExecuteAsync(string statement)
    {
        await using var connection = new NpgsqlConnection(Connection);
        await connection.OpenAsync();
        await using var command = new NpgsqlCommand(statement, connection);
        await command.ExecuteNonQueryAsync();
    }

    public async Task<object?> ScalarAsync(string query)
    {
        await using var connection = new NpgsqlConnection(Connection);
        await connection.OpenAsync();
        await using var command = new NpgsqlCommand(query, connection);
        return await command.ExecuteScalarAsync();
    }

    public int Changes { get; private set; }

    private string SocketPath => Path.Combine(Root, "nbd.sock");

    /// <summary>In place of PostgreSQL.</summary>
    public void UseMariaDb()
    {
        System.Quiesce = new QuiesceOptions { Provider = QuiesceOptions.MariaDbProvider };
        System.Components =
        [
            new ComponentOptions
            {
                Name = "mariadb",
                Kind = ComponentOptions.MariaDbKind,
                DataDirectory = Path.Combine(Root, "mnt", "db"),
                Port = FreePorts.Next(),
                Check = new CheckOptions { Sql = "select 1", Period = TimeSpan.FromMilliseconds(300) },
                StopTimeout = TimeSpan.FromSeconds(10),
            },
        ];
    }

    /// <summary>With an NBD server of an empty disk.</summary>
    public static async Task<HostStand> CreateAsync(Action<HostStand>? adapt = null)
    {
        var stand = await CreateBareAsync();
        adapt?.Invoke(stand);
        return await stand.OrNothingAsync(async () =>
        {
            await RunAsync("truncate", "-s", "640M", stand.Disk);
            await stand.StartServerAsync();
        });
    }

    /// <summary>With an NBD server of a disk that has a file system and a database.</summary>
    public static async Task<HostStand> CreateAsync(PreparedDisk prepared)
    {
        var disk = await prepared.GetAsync();
        var stand = await CreateBareAsync();
        if (prepared is PreparedMariaDbDisk)
        {
            stand.UseMariaDb();
        }

        return await stand.OrNothingAsync(async () =>
        {
            await RunAsync("cp", "--sparse=always", disk, stand.Disk);
            await stand.StartServerAsync();
        });
    }

    /// <summary>A test whose preparation fails is never disposed: then nothing may be left either.</summary>
    public async Task<HostStand> OrNothingAsync(Func<Task> prepare)
    {
        try
        {
            await prepare();
            return this;
        }
        catch
        {
            await DisposeAsync();
            throw;
        }
    }

    /// <summary>Without any disk.</summary>
    public static async Task<HostStand> CreateBareAsync()
    {
        var root = Directory.CreateTempSubdirectory("dr-host-").FullName;
        await RunAsync("chmod", "0755", root);
        return new HostStand(root);
    }

    /// <summary>A session as a freshly started agent would have it: nothing but the files of an earlier one.</summary>
    public HostedSystemSession NewSession()
    {
        var session = new HostedSystemSession(System, Data, "unix:/nowhere", () => Changes++, TimeProvider.System, NullLogger.Instance);
        _sessions.Add(session);
        return session;
    }

    public async Task StartServerAsync()
    {
        // nbdkit asks the kernel to end it with its parent, so it gets one that stays.
        File.Delete(SocketPath);
        var server = await DetachedProgram.StartAsync(
            "/bin/sh", ["-c", "\"$@\" & wait $!", "sh", "nbdkit", "--foreground", "--unix", SocketPath, "--filter=log", "file", Disk, $"logfile={ServerLog}"],
            Path.Combine(Root, "nbdkit.out"), default);
        _server = server;
        await Waiting.UntilAsync(() => Answers() || !ProcessTable.IsAlive(server), Patience, TimeProvider.System, default);
        if (!ProcessTable.IsAlive(server))
        {
            throw new InvalidOperationException($"nbdkit does not listen: {File.ReadAllText(Path.Combine(Root, "nbdkit.out"))}");
        }
    }

    private bool Answers()
    {
        using var socket = new Socket(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified);
        try
        {
            socket.Connect(new UnixDomainSocketEndPoint(SocketPath));
            socket.ReceiveTimeout = 5_000;

            // Takes leave properly (greeting, client flags, OPT_ABORT): nbdkit 1.32 can die of a client that only hangs up.
            byte[] leave = [0, 0, 0, 3, .. "IHAVEOPT"u8, 0, 0, 0, 2, 0, 0, 0, 0];
            var buffer = new byte[64];
            _ = socket.Receive(buffer);
            socket.Send(leave);
            while (socket.Receive(buffer) > 0)
            {
            }

            return true;
        }
        catch (SocketException)
        {
            return false;
        }
    }

    public async Task KillServerAsync()
    {
        if (_server is { } server)
        {
            await DetachedProgram.EndAsync(server, TimeSpan.Zero, TimeProvider.System, default);
            _server = null;
        }
    }

    public static async Task<ProgramResult> RunAsync(string program, params string[] arguments) =>
        (await ProgramRunner.RunAsync(program, arguments, Patience, default)).Require($"Test: {program}");

    public async ValueTask DisposeAsync()
    {
        // By hand and not with the code under test, from the top layer to the bottom.
        foreach (var process in ProcessTable.All().Where(IsOurs))
        {
            Signals.Send(process.Id, Signals.Kill);
        }

        await Waiting.UntilAsync(() => !ProcessTable.All().Any(IsOurs), Patience, TimeProvider.System, default);
        await TryAsync("umount", "--lazy", Path.Combine(Root, "mnt"));
        foreach (var mount in Directory.Exists(System.CloneMounts) ? Directory.GetDirectories(System.CloneMounts) : [])
        {
            await TryAsync("umount", "--lazy", mount);
        }

        foreach (var line in (await TryAsync("losetup", "--noheadings", "--output", "NAME,BACK-FILE")).Split('\n').Where(l => l.Contains(Root, StringComparison.Ordinal)))
        {
            await TryAsync("losetup", "--detach", line.Split(' ')[0]);
        }

        foreach (var export in (await File.ReadAllLinesAsync("/proc/self/mountinfo")).Select(l => l.Split(' ')[4]).Where(m => m.StartsWith(Root, StringComparison.Ordinal)))
        {
            await TryAsync("fusermount3", "-u", "-z", export);
        }

        // nbdfuse ends with its mount, this one does not.
        foreach (var client in ProcessTable.All().Where(p => p.Name == HoldingClient.ProcessName && ProcessTable.CommandLine(p.Id).Contains(Root, StringComparison.Ordinal)))
        {
            Signals.Send(client.Id, Signals.Kill);
        }

        await KillServerAsync();
        foreach (var session in _sessions)
        {
            session.Dispose();
        }

        Directory.Delete(Root, recursive: true);
    }

    /// <summary>What the test started works in the stand's directory, or names it in its command line.</summary>
    private bool IsOurs(ProcessEntry process) =>
        process.Id != Environment.ProcessId && process.Id != _server?.Id
        && ((ProcessTable.WorkingDirectory(process.Id) ?? "").StartsWith(Root, StringComparison.Ordinal)
            || (ProcessTable.CommandLine(process.Id).Contains(Root, StringComparison.Ordinal) && process.Name is not ("nbdkit" or "nbdfuse" or HoldingClient.ProcessName)));

    private static async Task<string> TryAsync(string program, params string[] arguments) =>
        (await ProgramRunner.RunAsync(program, arguments, Patience, default)).Output;
}
