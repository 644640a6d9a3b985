using System.Diagnostics;
using System.Globalization;
using System.Net;
using System.Net.Sockets;
using Npgsql;

namespace Dr.Silo.Tests.Support;

/// <summary>A PostgreSQL server of its own on a free port, run by the user postgres; ended and removed with the tests.</summary>
public sealed class PostgresServer : IAsyncLifetime
{
    private const string Bin = "/usr/lib/postgresql/15/bin";

    private readonly string _directory = Path.Combine(Path.GetTempPath(), $"dr-pg-{Guid.NewGuid():N}");
    private readonly int _port = FreePorts.Next();

    public static bool IsThere => File.Exists($"{Bin}/initdb");

    public string ConnectionTo(string database) =>
        string.Create(CultureInfo.InvariantCulture, $"Host=127.0.0.1;Port={_port};Username=postgres;Database={database};Pooling=true;Maximum Pool Size=40{(Tls is { } tls ? $";SSL Mode=VerifyFull;Root Certificate={tls.Ca}" : "")}");

    /// <summary>A fresh database.</summary>
    public async Task<string> CreateAsync()
    {
        var name = $"dr_{Guid.NewGuid():N}";
        await using var connection = new NpgsqlConnection(ConnectionTo("postgres"));
        await connection.OpenAsync();
        await using var command = new NpgsqlCommand($"create database {name}", connection);
        await command.ExecuteNonQueryAsync();
        return ConnectionTo(name);
    }

    public async ValueTask InitializeAsync()
    {
        Assert.SkipUnless(IsThere, "PostgreSQL 15 is not installed.");
        await MakeDirectoryAsync();
        await AsPostgresAsync($"{Bin}/initdb", "-D", $"{_directory}/data", "-A", "trust", "-U", "postgres", "--no-sync");
        if (Tls is { } tls)
        {
            await TakeTlsAsync(tls.Certificate, tls.Key);
        }

        await StartAsync();
    }

    public int Port => _port;

    /// <summary>Folder of its Unix socket.</summary>
    public string SocketFolder => _directory;

    /// <summary>PEM files of the server's certificate, its key and the authority: with them it takes nobody who does not speak TLS.</summary>
    public (string Certificate, string Key, string Ca)? Tls { get; init; }

    /// <summary>Starts it, also again after <see cref="StopAsync"/>.</summary>
    public Task StartAsync()
    {
        var options = $"-p {_port.ToString(CultureInfo.InvariantCulture)} -c listen_addresses=127.0.0.1 -c unix_socket_directories={_directory} -c fsync=off -c max_connections=200 {Settings}";
        return AsPostgresAsync($"{Bin}/pg_ctl", "-D", $"{_directory}/data", "-w", "-t", "60", "-l", $"{_directory}/log", "-o", options, "start");
    }

    /// <summary>More of <c>-c name=value</c>.</summary>
    public string Settings { get; init; } = "";

    /// <summary>Ends it without a word to its clients, as a crash does; the next start recovers.</summary>
    public async Task StopAsync()
    {
        await AsPostgresAsync($"{Bin}/pg_ctl", "-D", $"{_directory}/data", "-m", "immediate", "-w", "stop");

        // What this process had open is broken: the next test must not be handed one of those.
        NpgsqlConnection.ClearAllPools();
    }

    /// <summary>A running copy that follows this server. Until it is promoted it refuses to write.</summary>
    public async Task<PostgresServer> StandbyAsync(string name)
    {
        var standby = new PostgresServer();
        await standby.MakeDirectoryAsync();
        await AsPostgresAsync($"{Bin}/pg_basebackup", "-h", "127.0.0.1", "-p", _port.ToString(CultureInfo.InvariantCulture), "-U", "postgres", "-D", $"{standby._directory}/data", "-R", "-X", "stream", "--no-sync", "-c", "fast");
        await File.AppendAllTextAsync($"{standby._directory}/data/postgresql.auto.conf", $"primary_conninfo = 'host=127.0.0.1 port={_port.ToString(CultureInfo.InvariantCulture)} user=postgres application_name={name}'\n");
        await standby.StartAsync();
        return standby;
    }

    public Task PromoteAsync() => AsPostgresAsync($"{Bin}/pg_ctl", "-D", $"{_directory}/data", "-w", "promote");

    public async ValueTask DisposeAsync()
    {
        if (Directory.Exists(_directory))
        {
            NpgsqlConnection.ClearAllPools();
            if (File.Exists($"{_directory}/data/postmaster.pid"))
            {
                await StopAsync();
            }

            Directory.Delete(_directory, recursive: true);
        }
    }

    private async Task TakeTlsAsync(string certificate, string key)
    {
        File.Copy(certificate, $"{_directory}/data/server.crt");
        File.Copy(key, $"{_directory}/data/server.key");
        await File.WriteAllTextAsync($"{_directory}/data/pg_hba.conf", "hostssl all all 127.0.0.1/32 trust\nlocal all all trust\n");
        await RunAsync("chown", "postgres", $"{_directory}/data/server.crt", $"{_directory}/data/server.key");
        await RunAsync("chmod", "600", $"{_directory}/data/server.key");
        await File.AppendAllTextAsync($"{_directory}/data/postgresql.conf", "ssl = on\n");
    }

    private async Task MakeDirectoryAsync()
    {
        Directory.CreateDirectory(_directory);
        await RunAsync("chown", "postgres", _directory);
    }

    private static Task AsPostgresAsync(params string[] command) =>
        Environment.UserName == "root" ? RunAsync("runuser", ["-u", "postgres", "--", .. command]) : RunAsync(command[0], command[1..]);

    private static async Task RunAsync(string program, params string[] arguments)
    {
        // pg_ctl's server inherits the streams, so they must not be pipes that we wait for.
        var start = new ProcessStartInfo("/bin/sh", ["-c", "exec \"$0\" \"$@\" > /dev/null 2>&1 < /dev/null", program, .. arguments]) { WorkingDirectory = "/tmp" };
        using var process = Process.Start(start)!;
        await process.WaitForExitAsync();
        process.ExitCode.ShouldBe(0, $"{program} {string.Join(' ', arguments)}");
    }
}

[CollectionDefinition(Name)]
public sealed class PostgresCollection : ICollectionFixture<PostgresServer>
{
    public const string Name = "PostgreSQL";
}
