using System.Data.Common;

namespace Dr.Silo.Storage;

public enum DatabaseKind
{
    Sqlite,
    PostgreSql,
}

/// <summary>
/// The control plane's one database. Both kinds take the same statements of ours (parameters <c>@name</c>, <c>on conflict</c>, <c>returning</c>); what differs is
/// here and in the migrations. Every commit is on stable storage when it returns.
/// </summary>
public abstract class Database
{
    public abstract DatabaseKind Kind { get; }

    /// <summary>For Orleans' ADO.NET providers.</summary>
    public abstract string ConnectionString { get; }

    /// <summary>The name by which Orleans' ADO.NET providers know the driver.</summary>
    public abstract string Invariant { get; }

    /// <summary>For people: where it is, without secrets.</summary>
    public abstract string Place { get; }

    public abstract Task<DbConnection> OpenAsync(CancellationToken cancellationToken);

    /// <summary>
    /// Runs <paramref name="work"/> in one transaction that may write and commits it. On SQLite the write lock is taken at the beginning, so that two of them
    /// queue instead of failing in the middle; on PostgreSQL it is a read-committed transaction: lock what you read and then write. <paramref name="work"/> touches nothing but the database: on SQLite it
    /// runs where the commits run, not where it was asked for.
    /// </summary>
    public abstract Task<T> WriteAsync<T>(Func<DbConnection, DbTransaction, Task<T>> work, CancellationToken cancellationToken);

    /// <summary>Until the end of the transaction nobody else holds the lock of this name. On SQLite a writing transaction is alone anyway.</summary>
    public abstract Task LockAsync(DbConnection connection, DbTransaction transaction, string name, CancellationToken cancellationToken);
}
