using Dr.Edge.Host.Config;
using Dr.Edge.Host.Plan;
using Dr.Edge.Host.Processes;
using Npgsql;

namespace Dr.Edge.Host.Components;

/// <summary>
/// A PostgreSQL cluster. Which processes are its own is told by their working directory, which PostgreSQL sets to the data directory: that also holds after
/// the agent was killed, and when the files on the volume cannot be read any more.
/// </summary>
internal sealed class PostgreSqlDriver(ComponentOptions options, TimeProvider time) : IComponentDriver
{
    private const string DefaultUser = "postgres";
    private const string MapName = "dr-edge";

    // Database, user and socket live in this one directory.
    private readonly string _directory = options.DataDirectory!.TrimEnd('/');

    public ComponentOptions Options => options;

    public string DefaultConnection => new NpgsqlConnectionStringBuilder
    {
        Host = SocketDirectory, Port = options.Port, Username = User, Database = "postgres", Pooling = false, ApplicationName = "dr-edge",
    }.ConnectionString;

    public string User => options.User ?? DefaultUser;

    public string SocketDirectory => options.SocketDirectory ?? _directory;

    private string Log => options.Log ?? Path.Combine(_directory, "server.log");

    public async Task<string?> PrepareAsync(CancellationToken cancellationToken)
    {
        if (File.Exists(Path.Combine(_directory, "PG_VERSION")))
        {
            return null;
        }

        var user = await OsUser.FindAsync(User, cancellationToken);
        Directory.CreateDirectory(_directory);
        if (Directory.EnumerateFileSystemEntries(_directory).Any())
        {
            throw new DrException($"{_directory} is neither empty nor a database.", "Nothing was changed. Look what is there and move it away.");
        }

        Signals.ChangeOwner(_directory, user);
        await ProgramRunner.RunAsync("chmod", ["0700", _directory], TimeSpan.FromSeconds(10), cancellationToken);
        await RunAsync(
            user, "initdb", ["--pgdata", _directory, "--username", User, "--encoding", "UTF8", "--locale", "C.UTF-8", "--auth-local", "peer", "--auth-host", options.Authentication, "--data-checksums"],
            TimeSpan.FromMinutes(3), "Making the database", cancellationToken);

        // The agent runs as root and asks as the database's own user, over the socket and without a password.
        await File.WriteAllTextAsync(
            Path.Combine(_directory, "pg_hba.conf"),
            $"local all all peer map={MapName}\n" + string.Concat(options.Clients.Select(c => $"host all all {c} {options.Authentication}\n")), cancellationToken);
        await File.WriteAllTextAsync(Path.Combine(_directory, "pg_ident.conf"), $"{MapName} root {User}\n{MapName} /^(.*)$ \\1\n", cancellationToken);
        return $"database made in {_directory}";
    }

    public Task<ComponentPresence> ObserveAsync(CancellationToken cancellationToken)
    {
        var own = Processes();
        return Task.FromResult(own.Count == 0 ? ComponentPresence.Absent : Postmaster(own) is null ? ComponentPresence.Leftover : ComponentPresence.Running);
    }

    public async Task StartAsync(CancellationToken cancellationToken)
    {
        if (!File.Exists(Path.Combine(_directory, "PG_VERSION")))
        {
            throw new DrException($"There is no database in {_directory}.", "Make one with 'dr-edge system prepare', or correct the component's dataDirectory.");
        }

        RemoveLeftLocks();
        var user = await OsUser.FindAsync(User, cancellationToken);
        var settings = new Dictionary<string, string>(options.Settings)
        {
            ["listen_addresses"] = options.Address, ["port"] = options.Port.ToString(CultureInfo.InvariantCulture), ["unix_socket_directories"] = SocketDirectory,
        };
        var commandLine = string.Join(' ', settings.Select(s => $"-c {s.Key}={Quote(s.Value)}"));
        var seconds = Math.Max(1, (int)options.StartTimeout.TotalSeconds);
        await RunAsync(
            user, "pg_ctl", ["start", "--pgdata", _directory, "--wait", "--timeout", seconds.ToString(CultureInfo.InvariantCulture), "--log", Log, "--options", commandLine, "--silent"],
            options.StartTimeout + TimeSpan.FromSeconds(5), $"Starting {options.Name}", cancellationToken);
    }

    public async Task StopAsync(CancellationToken cancellationToken)
    {
        if (Postmaster(Processes()) is { } postmaster)
        {
            // SIGINT is PostgreSQL's "fast": it ends its sessions, writes a checkpoint and ends.
            const int interrupt = 2;
            Signals.Send(postmaster.Id, interrupt);
            await Waiting.UntilAsync(() => Processes().Count == 0, options.StopTimeout, time, cancellationToken);
        }

        await KillAsync(cancellationToken);
    }

    public async Task KillAsync(CancellationToken cancellationToken)
    {
        foreach (var process in Processes())
        {
            Signals.Send(process.Id, Signals.Kill);
        }

        if (!await Waiting.UntilAsync(() => Processes().Count == 0, TimeSpan.FromSeconds(10), time, cancellationToken))
        {
            throw new DrException(
                $"{options.Name} does not end, even when killed: {string.Join(", ", Processes().Select(p => p.Id))}.", "It waits in the kernel for a device; a restart of the machine ends it for certain.");
        }
    }

    public IReadOnlyList<ProcessEntry> Processes() =>
        [.. ProcessTable.All().Where(p => p.Name == "postgres" && ProcessTable.WorkingDirectory(p.Id) == _directory)];

    /// <summary>The one that none of the others is the parent of.</summary>
    private static ProcessEntry? Postmaster(IReadOnlyList<ProcessEntry> own) =>
        own.FirstOrDefault(p => p.Id == p.Session && own.All(other => other.Id != p.Parent));

    /// <summary>
    /// After a crash, also one that was copied here from the other site, the lock files name a process that is none of this cluster's, but may well be alive: PostgreSQL would
    /// refuse to start. They go only after it was seen that no process works in the data directory.
    /// </summary>
    private void RemoveLeftLocks()
    {
        if (Processes() is [var process, ..])
        {
            throw new DrException($"{options.Name} runs already in process {process.Id}.", "Stop it first.");
        }

        File.Delete(Path.Combine(_directory, "postmaster.pid"));
        if (SocketDirectory == _directory)
        {
            File.Delete(Path.Combine(_directory, $".s.PGSQL.{options.Port}.lock"));
            File.Delete(Path.Combine(_directory, $".s.PGSQL.{options.Port}"));
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
        var version = File.Exists(Path.Combine(_directory, "PG_VERSION")) ? File.ReadAllText(Path.Combine(_directory, "PG_VERSION")).Trim() : null;
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
