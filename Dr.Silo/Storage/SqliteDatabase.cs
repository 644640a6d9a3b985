using System.Data.Common;
using Microsoft.Data.Sqlite;

namespace Dr.Silo.Storage;

/// <summary>The embedded default: one file, write-ahead log, every commit flushed.</summary>
public sealed class SqliteDatabase : Database
{
    /// <summary>Waiting for another writer of this process; a commit takes milliseconds.</summary>
    private const int BusySeconds = 20;

    private readonly string _path;
    private readonly GroupCommit _commits;

    public SqliteDatabase(string path)
    {
        _path = path;
        _commits = new GroupCommit(OpenAsync, connection => ((SqliteConnection)connection).BeginTransaction(deferred: false));
        ConnectionString = new SqliteConnectionStringBuilder
        {
            DataSource = path,
            Mode = SqliteOpenMode.ReadWriteCreate,
            DefaultTimeout = BusySeconds,
            ForeignKeys = true,
            Pooling = true,
        }.ToString();
    }

    public override DatabaseKind Kind => DatabaseKind.Sqlite;

    public override string ConnectionString { get; }

    // The provider's name for the SQLite family; it loads Microsoft.Data.Sqlite for it.
    public override string Invariant => "System.Data.SQLite";

    public override string Place => _path;

    public override async Task<DbConnection> OpenAsync(CancellationToken cancellationToken)
    {
        var connection = new SqliteConnection(ConnectionString);
        try
        {
            await connection.OpenAsync(cancellationToken);
            // FULL: in WAL mode NORMAL would lose the last commits in a power cut, and a lost ledger commit is a second owner.
            await using var command = connection.CreateCommand();
            command.CommandText = "pragma journal_mode = wal; pragma synchronous = full; pragma busy_timeout = 20000;";
            await command.ExecuteNonQueryAsync(cancellationToken);
            return connection;
        }
        catch (SqliteException e)
        {
            await connection.DisposeAsync();
            throw new DrException($"The store {_path} cannot be opened: {e.Message}", "Check that the directory exists, is writable and has space, and that no other dr-silo uses it.", e);
        }
    }

    public override Task LockAsync(DbConnection connection, DbTransaction transaction, string name, CancellationToken cancellationToken) => Task.CompletedTask;

    public override Task<T> WriteAsync<T>(Func<DbConnection, DbTransaction, Task<T>> work, CancellationToken cancellationToken) => _commits.WriteAsync(work, cancellationToken);
}
