using System.Data.Common;
using Npgsql;

namespace Dr.Silo.Storage;

/// <summary>One PostgreSQL database that several silos share; its connection string may name several servers (<c>Host=a,b</c>), of which the primary is used.</summary>
public sealed class PostgresDatabase : Database, IAsyncDisposable
{
    /// <summary>A connection over which nothing is heard is asked whether it is alive.</summary>
    private const int KeepAliveSeconds = 5;

    /// <summary>
    /// What the server does about a silo whose machine or line died in the middle of a transaction: nobody tells it, and until it notices it keeps that silo's locks (a lane, the
    /// audit) from all others. A transaction of ours is never idle for longer than a round trip; one that is has lost its silo. The settings of the connection string come after these.
    /// </summary>
    private const string ServerSettings =
        "-c idle_in_transaction_session_timeout=4s -c lock_timeout=8s -c tcp_keepalives_idle=4 -c tcp_keepalives_interval=1 -c tcp_keepalives_count=3 -c tcp_user_timeout=6s -c client_connection_check_interval=2s";

    /// <summary>How long a server of several that was found away, or a standby, is believed to be so: a promoted standby is used that much later.</summary>
    private const int RecheckSeconds = 1;

    private readonly NpgsqlDataSource _source;

    public PostgresDatabase(string connectionString)
    {
        try
        {
            // A control plane that waits for a dead database decides nothing: fail, and let the caller try again.
            var builder = new NpgsqlConnectionStringBuilder(connectionString)
            {
                Timeout = 5,
                CommandTimeout = 10,
            };
            if (!IsSocket(builder.Host))
            {
                (builder.TcpKeepAlive, builder.TcpKeepAliveTime, builder.TcpKeepAliveInterval) = (true, KeepAliveSeconds, 1);
            }

            builder.Options = $"{ServerSettings} {builder.Options}".TrimEnd();
            if (builder.Host?.Contains(',', StringComparison.Ordinal) == true)
            {
                // A standby answers, too, and refuses to write; only the primary is the database.
                builder.TargetSessionAttributes ??= "primary";
                builder.HostRecheckSeconds = RecheckSeconds;
            }

            ConnectionString = builder.ToString();
            Place = $"{builder.Host}:{builder.Port}/{builder.Database}";
        }
        catch (ArgumentException e)
        {
            throw new DrException($"The PostgreSQL connection is not understood: {e.Message}", "It looks like 'Host=…;Port=5432;Database=dr;Username=dr;Password=…'.", e);
        }

        _source = NpgsqlDataSource.Create(ConnectionString);
    }

    public override DatabaseKind Kind => DatabaseKind.PostgreSql;

    public override string ConnectionString { get; }

    public override string Invariant => "Npgsql";

    public override string Place { get; }

    public override async Task<DbConnection> OpenAsync(CancellationToken cancellationToken)
    {
        try
        {
            return await _source.OpenConnectionAsync(cancellationToken);
        }
        catch (NpgsqlException e)
        {
            throw new DrException($"The database {Place} cannot be reached: {WithCause(e)}", "Check that PostgreSQL runs there and lets this user in.", e, isTransient: true);
        }
    }

    public override async Task<T> WriteAsync<T>(Func<DbConnection, DbTransaction, Task<T>> work, CancellationToken cancellationToken)
    {
        await using var connection = await OpenAsync(cancellationToken);
        await using var transaction = await connection.BeginTransactionAsync(cancellationToken);
        var result = await work(connection, transaction);
        await transaction.CommitAsync(cancellationToken);
        return result;
    }

    public override async Task LockAsync(DbConnection connection, DbTransaction transaction, string name, CancellationToken cancellationToken)
    {
        await using var command = connection.CreateCommand();
        command.Transaction = transaction;
        command.CommandText = "select pg_advisory_xact_lock(hashtextextended(@name, 0))";
        var parameter = command.CreateParameter();
        parameter.ParameterName = "name";
        parameter.Value = name;
        command.Parameters.Add(parameter);
        await command.ExecuteNonQueryAsync(cancellationToken);
    }

    public ValueTask DisposeAsync() => _source.DisposeAsync();

    /// <summary>A folder of Unix sockets, or an abstract one, in place of a name: such a connection knows no keep-alive, and being asked for one refuses to open.</summary>
    private static bool IsSocket(string? host) => host is ['/' or '@', ..];

    /// <summary>"Exception while performing SSL handshake" alone says nothing about whose certificate is wrong.</summary>
    private static string WithCause(Exception e) => e.GetBaseException() is var cause && cause != e && !e.Message.Contains(cause.Message, StringComparison.Ordinal) ? $"{e.Message}: {cause.Message}" : e.Message;
}
