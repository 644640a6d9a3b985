using System.Data.Common;
using Npgsql;

namespace Dr.Silo.Storage;

/// <summary>One PostgreSQL database that several silos share.</summary>
public sealed class PostgresDatabase : Database, IAsyncDisposable
{
    private readonly NpgsqlDataSource _source;

    public PostgresDatabase(string connectionString)
    {
        try
        {
            // A control plane that waits for a dead database decides nothing: fail, and let the caller try again.
            var builder = new NpgsqlConnectionStringBuilder(connectionString) { Timeout = 5, CommandTimeout = 10 };
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
            throw new DrException($"The database {Place} cannot be reached: {e.Message}", "Check that PostgreSQL runs there and lets this user in.", e, isTransient: true);
        }
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

    protected override ValueTask<DbTransaction> BeginWriteAsync(DbConnection connection, CancellationToken cancellationToken) =>
        connection.BeginTransactionAsync(cancellationToken);
}
