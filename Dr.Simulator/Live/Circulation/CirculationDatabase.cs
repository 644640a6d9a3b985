using Npgsql;

namespace Dr.Simulator.Live.Circulation;

/// <summary>The circulation desk's tables: who has which item, and every transaction that was ever made.</summary>
internal static class CirculationDatabase
{
    /// <summary>Items 1–1000 can be borrowed once at a time; the primary key sees to that.</summary>
    public const int ItemCount = 1000;

    private const string Schema = """
        create schema if not exists circulation;
        create table if not exists circulation.loan (item int primary key, reader int not null, since timestamptz not null default now());
        create table if not exists circulation.transaction (id bigint primary key, kind text not null, item int not null, reader int not null, at timestamptz not null default now());
        """;

    public static async Task CreateAsync(NpgsqlConnection connection, CancellationToken cancellationToken)
    {
        await using var command = new NpgsqlCommand(Schema, connection);
        await command.ExecuteNonQueryAsync(cancellationToken);
    }

    public static async Task<HashSet<int>> LoansAsync(NpgsqlConnection connection, CancellationToken cancellationToken) =>
        await ReadAsync(connection, "select item from circulation.loan", r => r.GetInt32(0), cancellationToken);

    public static async Task<HashSet<long>> TransactionIdsAsync(NpgsqlConnection connection, CancellationToken cancellationToken) =>
        await ReadAsync(connection, "select id from circulation.transaction", r => r.GetInt64(0), cancellationToken);

    /// <summary>Borrows or returns one item in one database transaction; on return it is committed.</summary>
    public static async Task CommitAsync(NpgsqlConnection connection, long id, bool borrow, int item, int reader, CancellationToken cancellationToken)
    {
        await using var transaction = await connection.BeginTransactionAsync(cancellationToken);
        await using (var change = new NpgsqlCommand(
            borrow ? "insert into circulation.loan(item, reader) values ($1, $2)" : "delete from circulation.loan where item = $1 and $2 = $2", connection, transaction))
        {
            change.Parameters.Add(new NpgsqlParameter<int> { TypedValue = item });
            change.Parameters.Add(new NpgsqlParameter<int> { TypedValue = reader });
            await change.ExecuteNonQueryAsync(cancellationToken);
        }

        await using (var note = new NpgsqlCommand("insert into circulation.transaction(id, kind, item, reader) values ($1, $2, $3, $4)", connection, transaction))
        {
            note.Parameters.Add(new NpgsqlParameter<long> { TypedValue = id });
            note.Parameters.Add(new NpgsqlParameter<string> { TypedValue = borrow ? "borrow" : "return" });
            note.Parameters.Add(new NpgsqlParameter<int> { TypedValue = item });
            note.Parameters.Add(new NpgsqlParameter<int> { TypedValue = reader });
            await note.ExecuteNonQueryAsync(cancellationToken);
        }

        await transaction.CommitAsync(cancellationToken);
    }

    private static async Task<HashSet<T>> ReadAsync<T>(NpgsqlConnection connection, string sql, Func<NpgsqlDataReader, T> read, CancellationToken cancellationToken)
    {
        await using var command = new NpgsqlCommand(sql, connection);
        await using var reader = await command.ExecuteReaderAsync(cancellationToken);
        var values = new HashSet<T>();
        while (await reader.ReadAsync(cancellationToken))
        {
            values.Add(read(reader));
        }

        return values;
    }
}
