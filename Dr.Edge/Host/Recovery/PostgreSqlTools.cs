using Dr.Edge.Host.Components;
using Dr.Edge.Host.Processes;
using Npgsql;

namespace Dr.Edge.Host.Recovery;

/// <summary>Tables out of a PostgreSQL: <c>pg_dump</c> of the clone's version into <c>psql</c>, all in one transaction.</summary>
internal sealed class PostgreSqlTools : IRecoveryTools
{
    private static readonly TimeSpan CheckTimeout = TimeSpan.FromHours(1);

    public Task<IReadOnlyList<string>> DatabasesAsync(IComponentDriver server, CancellationToken cancellationToken) => WithAsync(server, "postgres", async session =>
    {
        var names = await ListAsync(session, "select datname from pg_database where datallowconn and not datistemplate order by datname", cancellationToken);
        return names.Count > 1 ? [.. names.Where(n => n != "postgres")] : names;
    }, cancellationToken);

    public Task<IReadOnlyList<string>> TablesAsync(IComponentDriver server, string database, CancellationToken cancellationToken) => WithAsync(server, database, session => ListAsync(
        session,
        "select format('%I.%I', n.nspname, c.relname) from pg_class c join pg_namespace n on n.oid = c.relnamespace where c.relkind = 'r' and n.nspname !~ '^(pg_|information_schema$|dr_recovered_|dr_before_)' order by 1",
        cancellationToken), cancellationToken);

    public Task<IReadOnlyList<TableContent>> IsolateAsync(IComponentDriver clone, string database, IReadOnlyList<string> tables, string schema, CancellationToken cancellationToken) => WithAsync(clone, database, async session =>
    {
        await using var transaction = await session.BeginTransactionAsync(cancellationToken);
        await ExecuteAsync(session, $"create schema {Quote(schema)}", cancellationToken);
        var names = new List<string>();
        foreach (var text in tables)
        {
            var name = await ResolveAsync(session, text, "at that moment", cancellationToken);
            if (names.Contains(Plain(name)))
            {
                throw new DrException($"Two of the tables are named {Plain(name)}.", "Recover them one after the other.");
            }

            names.Add(Plain(name));
            await DetachAsync(session, name, cancellationToken);
            await ExecuteAsync(session, $"alter table {name} set schema {Quote(schema)}", cancellationToken);
        }

        await transaction.CommitAsync(cancellationToken);
        var contents = new List<TableContent>();
        for (var index = 0; index < tables.Count; index++)
        {
            contents.Add(await MeasureAsync(session, $"{Quote(schema)}.{names[index]}", tables[index], "t", cancellationToken));
        }

        return (IReadOnlyList<TableContent>)contents;
    }, cancellationToken);

    /// <summary>The dump makes it.</summary>
    public Task CreateSchemaAsync(IComponentDriver original, string database, string schema, CancellationToken cancellationToken) => Task.CompletedTask;

    public ProgramCall Dump(IComponentDriver clone, string database, string schema)
    {
        var driver = (PostgreSqlDriver)clone;
        return new ProgramCall(
            driver.Binary("pg_dump"),
            [.. Where(driver, database), $"--schema={Quote(schema)}", "--no-owner", "--no-privileges", "--no-publications", "--no-subscriptions", "--no-security-labels"]);
    }

    public ProgramCall Load(IComponentDriver original, string database, string schema)
    {
        var driver = (PostgreSqlDriver)original;
        return new ProgramCall(
            driver.Binary("psql"), [.. Where(driver, database), "--no-psqlrc", "--quiet", "--single-transaction", "--set=ON_ERROR_STOP=1", "--output=/dev/null"]);
    }

    public Task<TableContent> MeasureAsync(IComponentDriver server, string database, string schema, string table, CancellationToken cancellationToken) => WithAsync(server, database, session =>
        MeasureAsync(session, $"{Quote(schema)}.{Plain(table)}", table, "t", cancellationToken), cancellationToken);

    public Task<IReadOnlyList<long>> ReplaceAsync(IComponentDriver original, string database, string source, string? before, IReadOnlyList<string> tables, CancellationToken cancellationToken) =>
        WithAsync(original, database, session => PostgreSqlReplacement.RunAsync(session, source, before, tables, cancellationToken), cancellationToken);

    /// <summary>The schema is made in the same transaction.</summary>
    public Task<bool> IsReplacedAsync(IComponentDriver original, string database, string before, CancellationToken cancellationToken) => WithAsync(
        original, database, async session => (await ListAsync(session, $"select nspname from pg_namespace where nspname = '{before}'", cancellationToken)).Count > 0, cancellationToken);

    public Task DropAsync(IComponentDriver original, string database, IReadOnlyList<string> schemas, CancellationToken cancellationToken) => WithAsync(original, database, async session =>
    {
        foreach (var schema in schemas)
        {
            await ExecuteAsync(session, $"drop schema if exists {Quote(schema)} cascade", cancellationToken);
        }

        return true;
    }, cancellationToken);

    public async Task<string> CheckAsync(IComponentDriver server, CancellationToken cancellationToken)
    {
        // Every heap and every B-tree, with the rows that each index should have.
        var driver = (PostgreSqlDriver)server;
        var result = await ProgramRunner.RunAsync(
            driver.Binary("pg_amcheck"), [$"--host={driver.SocketDirectory}", $"--port={driver.Options.Port}", $"--username={driver.User}", "--all", "--install-missing", "--heapallindexed", "--jobs=2"], CheckTimeout, cancellationToken);
        result.Require("The check of tables and indexes (pg_amcheck)", "The point cannot be relied on: refresh an older one.");
        return "pg_amcheck: every table and B-tree";
    }

    public async Task<string?> CheckStoppedAsync(IComponentDriver server, CancellationToken cancellationToken)
    {
        var driver = (PostgreSqlDriver)server;
        var result = await ProgramRunner.RunAsync(driver.Binary("pg_checksums"), ["--check", $"--pgdata={driver.Options.DataDirectory}"], CheckTimeout, cancellationToken);
        if (!result.Succeeded && result.Errors.Contains("checksums are not enabled", StringComparison.Ordinal))
        {
            return null;
        }

        result.Require("The check of every page (pg_checksums)", "The point cannot be relied on: refresh an older one.");
        return "pg_checksums: every page";
    }

    /// <summary>The table as statements name it, quoted.</summary>
    internal static async Task<string> ResolveAsync(NpgsqlConnection session, string text, string when, CancellationToken cancellationToken)
    {
        await using var command = new NpgsqlCommand(
            "select format('%I.%I', n.nspname, c.relname), c.relkind::text from pg_class c join pg_namespace n on n.oid = c.relnamespace where c.oid = to_regclass($1)", session);
        command.Parameters.AddWithValue(text);
        try
        {
            await using var reader = await command.ExecuteReaderAsync(cancellationToken);
            if (!await reader.ReadAsync(cancellationToken))
            {
                throw new DrException($"There is no table {text} in database {session.Database} {when}.", "'dr-edge table list SYSTEM' shows those that are there now; a name with capitals is written in double quotes.");
            }

            return reader.GetString(1) == "r"
                ? reader.GetString(0)
                : throw new DrException($"{text} is no ordinary table.", "Of a partitioned table name the partitions; a view has no rows of its own.");
        }
        catch (PostgresException exception)
        {
            throw new DrException($"'{text}' is no name of a table: {exception.MessageText}.", "Write for example public.loan.", exception);
        }
    }

    /// <summary>Rows and a sum over the hashes of their texts, which does not depend on their order.</summary>
    internal static async Task<TableContent> MeasureAsync(NpgsqlConnection session, string table, string name, string row, CancellationToken cancellationToken)
    {
        // What a text looks like must not depend on the session.
        await ExecuteAsync(session, "set timezone = 'UTC'; set datestyle = 'ISO'; set intervalstyle = 'postgres'; set extra_float_digits = 1; set bytea_output = 'hex'", cancellationToken);
        await using var command = new NpgsqlCommand(
            $"select count(*), coalesce(sum(hashtextextended({row}::text, 0)), 0)::text, pg_table_size('{table.Replace("'", "''", StringComparison.Ordinal)}') from {table} t", session) { CommandTimeout = 0 };
        await using var reader = await command.ExecuteReaderAsync(cancellationToken);
        await reader.ReadAsync(cancellationToken);
        return new TableContent(name, reader.GetInt64(0), reader.GetInt64(2), reader.GetString(1));
    }

    /// <summary>The name without its schema, quoted as it has to be.</summary>
    internal static string Plain(string table)
    {
        var inQuotes = false;
        for (var index = 0; index < table.Length; index++)
        {
            inQuotes ^= table[index] == '"';
            if (table[index] == '.' && !inQuotes)
            {
                return table[(index + 1)..];
            }
        }

        return table;
    }

    internal static string Quote(string name) => $"\"{name.Replace("\"", "\"\"", StringComparison.Ordinal)}\"";

    internal static async Task ExecuteAsync(NpgsqlConnection session, string statement, CancellationToken cancellationToken)
    {
        await using var command = new NpgsqlCommand(statement, session) { CommandTimeout = 0 };
        await command.ExecuteNonQueryAsync(cancellationToken);
    }

    internal static async Task<IReadOnlyList<string>> ListAsync(NpgsqlConnection session, string query, CancellationToken cancellationToken)
    {
        await using var command = new NpgsqlCommand(query, session) { CommandTimeout = 0 };
        await using var reader = await command.ExecuteReaderAsync(cancellationToken);
        var list = new List<string>();
        while (await reader.ReadAsync(cancellationToken))
        {
            list.Add(reader.GetString(0));
        }

        return list;
    }

    /// <summary>Foreign keys of it and to it, triggers, and its place in a partitioned table.</summary>
    private static async Task DetachAsync(NpgsqlConnection session, string table, CancellationToken cancellationToken)
    {
        var oid = $"'{table.Replace("'", "''", StringComparison.Ordinal)}'::regclass";
        var statements = await ListAsync(
            session,
            $"""
             select format('alter table %s drop constraint if exists %I', conrelid::regclass, conname) from pg_constraint where contype = 'f' and conparentid = 0 and (conrelid = {oid} or confrelid = {oid})
             union all select format('drop trigger %I on %s', tgname, tgrelid::regclass) from pg_trigger where tgrelid = {oid} and not tgisinternal and tgparentid = 0
             union all select format(case when c.relispartition then 'alter table %s detach partition %s' else 'alter table %2$s no inherit %1$s' end, i.inhparent::regclass, i.inhrelid::regclass)
               from pg_inherits i join pg_class c on c.oid = i.inhrelid where i.inhrelid = {oid}
             """,
            cancellationToken);
        foreach (var statement in statements)
        {
            await ExecuteAsync(session, statement, cancellationToken);
        }
    }

    private static string[] Where(PostgreSqlDriver driver, string database) =>
        [$"--host={driver.SocketDirectory}", $"--port={driver.Options.Port.ToString(CultureInfo.InvariantCulture)}", $"--username={driver.User}", "--no-password", $"--dbname={database}"];

    private static async Task<T> WithAsync<T>(IComponentDriver server, string database, Func<NpgsqlConnection, Task<T>> act, CancellationToken cancellationToken)
    {
        try
        {
            await using var session = new NpgsqlConnection(new NpgsqlConnectionStringBuilder(server.DefaultConnection) { Database = database, CommandTimeout = 0 }.ConnectionString);
            await session.OpenAsync(cancellationToken);
            return await act(session);
        }
        catch (NpgsqlException exception)
        {
            throw new DrException($"{server.Options.Name}, database {database}: {(exception as PostgresException)?.MessageText ?? exception.Message}", null, exception);
        }
    }
}
