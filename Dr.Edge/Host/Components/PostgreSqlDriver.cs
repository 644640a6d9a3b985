using Dr.Edge.Host.Config;
using Dr.Edge.Host.Plan;
using Dr.Edge.Host.Processes;
using Npgsql;

namespace Dr.Edge.Host.Components;

/// <summary>
/// A PostgreSQL cluster with its data and its socket in one directory (<see cref="DatabaseDirectory"/>).
/// </summary>
internal sealed class PostgreSqlDriver(ComponentOptions options, TimeProvider time) : IComponentDriver
{
    private const string DefaultUser = "postgres";
    private const string MapName = "dr-edge";

    private readonly DatabaseDirectory _directory = new(options, time, "postgres");

    public ComponentOptions Options => options;

    public string DefaultConnection => new NpgsqlConnectionStringBuilder
    {
        Host = SocketDirectory, Port = options.Port, Username = User, Database = "postgres", Pooling = false, ApplicationName = "dr-edge",
    }.ConnectionString;

    public string User => options.User ?? DefaultUser;

    public string SocketDirectory => options.SocketDirectory ?? _directory.Path;

    private string Log => _directory.Log;

    private string VersionFile => _directory.In("PG_VERSION");

    public async Task<string?> PrepareAsync(CancellationToken cancellationToken)
    {
        if (File.Exists(VersionFile))
        {
            return null;
        }

        var user = await OsUser.FindAsync(User, cancellationToken);
        await _directory.MakeAsync(user, cancellationToken);
        await RunAsync(
            user, "initdb", ["--pgdata", _directory.Path, "--username", User, "--encoding", "UTF8", "--locale", "C.UTF-8", "--auth-local", "peer", "--auth-host", options.Authentication, "--data-checksums"],
            TimeSpan.FromMinutes(3), "Making the database", cancellationToken);

        // The agent runs as root and asks as the database's own user, over the socket and without a password.
        await File.WriteAllTextAsync(
            _directory.In("pg_hba.conf"),
            $"local all all peer map={MapName}\n" + string.Concat(options.Clients.Select(c => $"host all all {c} {options.Authentication}\n")), cancellationToken);
        await File.WriteAllTextAsync(_directory.In("pg_ident.conf"), $"{MapName} root {User}\n{MapName} /^(.*)$ \\1\n", cancellationToken);
        return $"database made in {_directory.Path}";
    }

    public Task<ComponentPresence> ObserveAsync(CancellationToken cancellationToken)
    {
        var own = Processes();
        return Task.FromResult(own.Count == 0 ? ComponentPresence.Absent : Postmaster(own) is null ? ComponentPresence.Leftover : ComponentPresence.Running);
    }

    public async Task StartAsync(CancellationToken cancellationToken)
    {
        _directory.Require(File.Exists(VersionFile));
        RemoveLeftLocks();
        var user = await OsUser.FindAsync(User, cancellationToken);
        var settings = new Dictionary<string, string>(options.Settings)
        {
            ["listen_addresses"] = options.Address, ["port"] = options.Port.ToString(CultureInfo.InvariantCulture), ["unix_socket_directories"] = SocketDirectory,
        };
        var commandLine = string.Join(' ', settings.Select(s => $"-c {s.Key}={Quote(s.Value)}"));
        var seconds = Math.Max(1, (int)options.StartTimeout.TotalSeconds);
        await RunAsync(
            user, "pg_ctl", ["start", "--pgdata", _directory.Path, "--wait", "--timeout", seconds.ToString(CultureInfo.InvariantCulture), "--log", Log, "--options", commandLine, "--silent"],
            options.StartTimeout + TimeSpan.FromSeconds(5), $"Starting {options.Name}", cancellationToken);
    }

    public async Task StopAsync(CancellationToken cancellationToken)
    {
        if (Postmaster(Processes()) is { } postmaster)
        {
            // SIGINT is PostgreSQL's "fast": it ends its sessions, writes a checkpoint and ends.
            const int interrupt = 2;
            Signals.Send(postmaster.Id, interrupt);
            await _directory.AwaitEndAsync(options.StopTimeout, cancellationToken);
        }

        await KillAsync(cancellationToken);
    }

    public Task KillAsync(CancellationToken cancellationToken) => _directory.KillAsync(cancellationToken);

    public IReadOnlyList<ProcessEntry> Processes() => _directory.Processes();

    /// <summary>The one that none of the others is the parent of.</summary>
    private static ProcessEntry? Postmaster(IReadOnlyList<ProcessEntry> own) =>
        own.FirstOrDefault(p => p.Id == p.Session && own.All(other => other.Id != p.Parent));

    /// <summary>
    /// After a crash, also one that was copied here from the other site, the lock files name a process that is none of this cluster's, but may well be alive: PostgreSQL would
    /// refuse to start. They go only after it was seen that no process works in the data directory.
    /// </summary>
    private void RemoveLeftLocks()
    {
        _directory.RequireNoneRuns();
        File.Delete(_directory.In("postmaster.pid"));
        if (SocketDirectory == _directory.Path)
        {
            File.Delete(_directory.In($".s.PGSQL.{options.Port}.lock"));
            File.Delete(_directory.In($".s.PGSQL.{options.Port}"));
        }
    }

    private async Task RunAsync(OsUser user, string program, string[] arguments, TimeSpan timeout, string doing, CancellationToken cancellationToken)
    {
        var (wrapped, all) = user.Wrap(Binary(program), arguments);
        var result = await ProgramRunner.RunAsync(wrapped, all, timeout, cancellationToken);
        if (!result.Succeeded)
        {
            var lastLine = File.Exists(Log) ? File.ReadLines(Log).LastOrDefault() : null;
            throw new DrException($"{doing} failed: {result.LastWords}{(lastLine is null ? "" : $" ({lastLine})")}.", $"See {Log}.");
        }
    }

    /// <summary>One of the programs of the cluster's own version.</summary>
    public string Binary(string program) => Path.Combine(Binaries(), program);

    private string Binaries()
    {
        const string debian = "/usr/lib/postgresql";
        if (options.Binaries is { } given)
        {
            return given;
        }

        // A cluster runs only with the binaries of its own major version.
        var version = File.Exists(VersionFile) ? File.ReadAllText(VersionFile).Trim() : null;
        var found = Directory.Exists(debian)
            ? Directory.EnumerateDirectories(debian).Where(d => version is null || Path.GetFileName(d) == version).OrderByDescending(d => int.TryParse(Path.GetFileName(d), out var n) ? n : 0).FirstOrDefault()
            : null;
        return found is not null
            ? Path.Combine(found, "bin")
            : throw new DrException($"No PostgreSQL {version} was found below {debian}.", "Install it, or name its directory in the component's 'binaries'.");
    }

    /// <summary>pg_ctl hands the options to a shell.</summary>
    private static string Quote(string value) => "'" + value.Replace("'", "'\\''", StringComparison.Ordinal) + "'";
}
