using System.Data.Common;
using System.Reflection;
using System.Security.Cryptography;
using System.Text;
using Dapper;

namespace Dr.Silo.Storage;

/// <summary>
/// Brings the database to the shape that this version needs: numbered scripts, each applied once, all under one lock and in one transaction. A script that was
/// applied is never changed afterwards; one that differs from what was applied stops the start, and so does one that only a newer version knows.
/// </summary>
public sealed class Migrator
{
    private readonly Database _database;
    private readonly IReadOnlyList<MigrationScript> _scripts;

    public Migrator(Database database)
        : this(database, Scripts(database.Kind))
    {
    }

    /// <summary>With other scripts than this program's: how older and newer versions leave a database.</summary>
    internal Migrator(Database database, IReadOnlyList<MigrationScript> scripts) => (_database, _scripts) = (database, scripts);

    public async Task<int> ApplyAsync(CancellationToken cancellationToken) =>
        await _database.WriteAsync(
            async (connection, transaction) =>
            {
                await _database.LockAsync(connection, transaction, "dr.migrations", cancellationToken);
                await connection.ExecuteAsync("create table if not exists dr_migration (name text primary key, digest text not null, applied_at bigint not null)", transaction: transaction);
                var applied = (await connection.QueryAsync<(string Name, string Digest)>("select name, digest from dr_migration", transaction: transaction))
                    .ToDictionary(row => row.Name, row => row.Digest, StringComparer.Ordinal);

                Invariant.Require(Scripts(_database.Kind).Count > 0, "no migration is built into this program.");
                if (applied.Keys.Except(_scripts.Select(s => s.Name), StringComparer.Ordinal).Order(StringComparer.Ordinal).LastOrDefault() is { } unknown)
                {
                    throw new DrException(
                        $"The database {_database.Place} was changed by a newer version of this program: migration {unknown} is not known here.",
                        "Start that version or a later one. Silos of this version that run already may go on until they are replaced.");
                }

                var count = 0;
                foreach (var script in _scripts)
                {
                    if (applied.TryGetValue(script.Name, out var digest))
                    {
                        if (digest != script.Digest)
                        {
                            throw new DrException(
                                $"Migration {script.Name} of {_database.Place} is not the one that was applied there.",
                                "This program and the database do not belong together: use the version that made the database, or a newer one.");
                        }

                        continue;
                    }

                    await ApplyAsync(connection, transaction, script, cancellationToken);
                    count++;
                }

                return count;
            },
            cancellationToken);

    /// <summary>The scripts of one kind of database, in order.</summary>
    public static IReadOnlyList<MigrationScript> Scripts(DatabaseKind kind)
    {
        var prefix = $"Dr.Silo.Storage.Migrations.{(kind == DatabaseKind.Sqlite ? "sqlite" : "postgresql")}.";
        var assembly = Assembly.GetExecutingAssembly();
        return
        [
            .. assembly.GetManifestResourceNames()
                .Where(name => name.StartsWith(prefix, StringComparison.Ordinal))
                .Order(StringComparer.Ordinal)
                .Select(name =>
                {
                    using var reader = new StreamReader(assembly.GetManifestResourceStream(name)!, Encoding.UTF8);
                    var sql = reader.ReadToEnd();
                    return new MigrationScript(name[prefix.Length..], sql, Convert.ToHexStringLower(SHA256.HashData(Encoding.UTF8.GetBytes(sql))));
                }),
        ];
    }

    private static async Task ApplyAsync(DbConnection connection, DbTransaction transaction, MigrationScript script, CancellationToken cancellationToken)
    {
        await using (var command = connection.CreateCommand())
        {
            // Not through Dapper: the scripts hold @names inside the query texts that they store.
            command.Transaction = transaction;
            command.CommandText = script.Sql;
            await command.ExecuteNonQueryAsync(cancellationToken);
        }

        await connection.ExecuteAsync(
            "insert into dr_migration (name, digest, applied_at) values (@Name, @Digest, @At)",
            new { script.Name, script.Digest, At = TimeProvider.System.GetUtcNow().ToUnixTimeMilliseconds() },
            transaction);
    }
}

/// <summary>One numbered script.</summary>
public sealed record MigrationScript(string Name, string Sql, string Digest);
