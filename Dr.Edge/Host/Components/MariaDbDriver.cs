using Dr.Edge.Host.Config;
using Dr.Edge.Host.Plan;
using Dr.Edge.Host.Processes;
using MySqlConnector;

namespace Dr.Edge.Host.Components;

/// <summary>
/// A MariaDB server with its data, its InnoDB log and its socket in one directory (<see cref="DatabaseDirectory"/>). The agent asks as root over the socket (<c>unix_socket</c> authentication), without a password.
/// </summary>
internal sealed class MariaDbDriver(ComponentOptions options, TimeProvider time) : IComponentDriver
{
    private const string DefaultUser = "mysql";
    private const string Server = "mariadbd";

    private readonly DatabaseDirectory _directory = new(options, time, Server, "mysqld");

    public ComponentOptions Options => options;

    public string DefaultConnection => new MySqlConnectionStringBuilder
    {
        ConnectionProtocol = MySqlConnectionProtocol.UnixSocket, Server = SocketOf(options), UserID = "root", Pooling = false, ApplicationName = "dr-edge",
    }.ConnectionString;

    /// <summary>The server's Unix socket.</summary>
    public static string SocketOf(ComponentOptions options) => Path.Combine(options.SocketDirectory ?? options.DataDirectory!.TrimEnd('/'), "mariadb.sock");

    private string User => options.User ?? DefaultUser;

    private string Log => _directory.Log;

    private string SystemTables => _directory.In("mysql");

    public async Task<string?> PrepareAsync(CancellationToken cancellationToken)
    {
        if (Directory.Exists(SystemTables))
        {
            return null;
        }

        var user = await OsUser.FindAsync(User, cancellationToken);
        await _directory.MakeAsync(user, cancellationToken);
        var made = await ProgramRunner.RunAsync(
            Binary("mariadb-install-db"),
            ["--no-defaults", $"--datadir={_directory.Path}", $"--user={User}", "--auth-root-authentication-method=socket", "--auth-root-socket-user=root", "--skip-test-db", "--skip-name-resolve"],
            TimeSpan.FromMinutes(3), cancellationToken);
        made.Require("Making the database", $"See {Log}.");
        return $"database made in {_directory.Path}";
    }

    public Task<ComponentPresence> ObserveAsync(CancellationToken cancellationToken) =>
        Task.FromResult(Processes().Count == 0 ? ComponentPresence.Absent : ComponentPresence.Running);

    public async Task StartAsync(CancellationToken cancellationToken)
    {
        _directory.Require(Directory.Exists(SystemTables));
        _directory.RequireNoneRuns();

        // A socket that a crash left names nobody's server; this directory is this one's alone.
        File.Delete(SocketOf(options));
        var user = await OsUser.FindAsync(User, cancellationToken);
        var settings = options.Settings.Select(s => s.Value.Length > 0 ? $"--{s.Key.Replace('_', '-')}={s.Value}" : $"--{s.Key.Replace('_', '-')}");
        string[] network = options.Address.Length == 0
            ? ["--skip-networking"]
            : [$"--bind-address={options.Address}", $"--port={options.Port.ToString(CultureInfo.InvariantCulture)}"];
        var (program, arguments) = user.Wrap(
            Binary(Server),
            ["--no-defaults", $"--datadir={_directory.Path}", $"--socket={SocketOf(options)}", $"--pid-file={_directory.In("mariadb.pid")}", $"--log-error={Log}", .. network, .. settings]);
        var mark = await DetachedProgram.StartAsync(program, arguments, Log, cancellationToken);
        await AwaitAsync(mark, cancellationToken);
    }

    public async Task StopAsync(CancellationToken cancellationToken)
    {
        foreach (var process in Processes())
        {
            Signals.Send(process.Id, Signals.Terminate);
        }

        await _directory.AwaitEndAsync(options.StopTimeout, cancellationToken);
        await KillAsync(cancellationToken);
    }

    public Task KillAsync(CancellationToken cancellationToken) => _directory.KillAsync(cancellationToken);

    public IReadOnlyList<ProcessEntry> Processes() => _directory.Processes();

    /// <summary>The server replays its log before it listens; how long that may take is the component's start timeout.</summary>
    private async Task AwaitAsync(ProcessMark mark, CancellationToken cancellationToken)
    {
        var start = time.GetTimestamp();
        while (true)
        {
            try
            {
                await using var session = new MySqlConnection(DefaultConnection);
                await session.OpenAsync(cancellationToken);
                return;
            }
            catch (MySqlException exception)
            {
                if (!ProcessTable.IsAlive(mark))
                {
                    throw new DrException($"{options.Name} ended while it started: {LastWords()}.", $"See {Log}.", exception);
                }

                if (time.GetElapsedTime(start) > options.StartTimeout)
                {
                    throw new DrException($"{options.Name} takes no connection {options.StartTimeout.TotalSeconds:0} s after its start: {exception.Message}", $"See {Log}; a longer startTimeout gives it more time to replay its log.", exception);
                }
            }

            await Task.Delay(TimeSpan.FromMilliseconds(50), time, cancellationToken);
        }
    }

    private string LastWords() => File.Exists(Log) ? File.ReadLines(Log).LastOrDefault(l => l.Contains("[ERROR]", StringComparison.Ordinal)) ?? "its log has no error" : "it wrote no log";

    /// <summary>One of its programs.</summary>
    public string Binary(string program) => options.Binaries is { } directory ? Path.Combine(directory, program) : program;
}
