using Dr.Edge.Host.Components;
using Dr.Edge.Host.Processes;
using MySqlConnector;

namespace Dr.Edge.Host.Recovery;

/// <summary>Tables out of a MariaDB: <c>mariadb-dump</c> of the clone into <c>mariadb</c>, into a database of their own.</summary>
internal sealed class MariaDbTools : IRecoveryTools
{
    private static readonly TimeSpan CheckTimeout = TimeSpan.FromHours(1);

    public Task<IReadOnlyList<string>> DatabasesAsync(IComponentDriver server, CancellationToken cancellationToken) => WithAsync(server, session => ListAsync(
        session,
        "select schema_name from information_schema.schemata where schema_name not in ('mysql', 'sys', 'information_schema', 'performance_schema') and schema_name not like 'dr\\_%' order by 1",
        cancellationToken), cancellationToken);

    public Task<IReadOnlyList<string>> TablesAsync(IComponentDriver server, string database, CancellationToken cancellationToken) => WithAsync(server, session => ListAsync(
        session, $"select table_name from information_schema.tables where table_schema = {Literal(database)} and table_type = 'BASE TABLE' order by 1", cancellationToken), cancellationToken);

    public Task<IReadOnlyList<TableContent>> IsolateAsync(IComponentDriver clone, string database, IReadOnlyList<string> tables, string schema, CancellationToken cancellationToken) => WithAsync(clone, async session =>
    {
        await ExecuteAsync(session, $"create database {Quote(schema)}", cancellationToken);
        await ExecuteAsync(session, "set foreign_key_checks = 0", cancellationToken);
        var contents = new List<TableContent>();
        foreach (var table in tables)
        {
            await RequireTableAsync(session, database, table, "at that moment", cancellationToken);
            var ties = await ListAsync(
                session,
                $"""
                 select concat('drop trigger `', trigger_schema, '`.`', trigger_name, '`') from information_schema.triggers where event_object_schema = {Literal(database)} and event_object_table = {Literal(table)}
                 union all select concat('alter table `', constraint_schema, '`.`', table_name, '` drop foreign key `', constraint_name, '`') from information_schema.referential_constraints
                   where (constraint_schema = {Literal(database)} and table_name = {Literal(table)}) or (unique_constraint_schema = {Literal(database)} and referenced_table_name = {Literal(table)})
                 """,
                cancellationToken);
            foreach (var tie in ties.Distinct(StringComparer.Ordinal))
            {
                await ExecuteAsync(session, tie, cancellationToken);
            }

            await ExecuteAsync(session, $"rename table {Quote(database)}.{Quote(table)} to {Quote(schema)}.{Quote(table)}", cancellationToken);
            contents.Add(await MeasureAsync(session, schema, table, await ColumnsAsync(session, schema, table, cancellationToken), cancellationToken));
        }

        return (IReadOnlyList<TableContent>)contents;
    }, cancellationToken);

    public Task CreateSchemaAsync(IComponentDriver original, string database, string schema, CancellationToken cancellationToken) =>
        WithAsync(original, async session =>
        {
            await ExecuteAsync(session, $"create database {Quote(schema)}", cancellationToken);
            return true;
        }, cancellationToken);

    public ProgramCall Dump(IComponentDriver clone, string database, string schema)
    {
        var driver = (MariaDbDriver)clone;
        return new ProgramCall(driver.Binary("mariadb-dump"), [.. Where(driver), "--single-transaction", "--skip-lock-tables", "--quick", "--hex-blob", "--skip-triggers", "--default-character-set=utf8mb4", schema]);
    }

    public ProgramCall Load(IComponentDriver original, string database, string schema)
    {
        var driver = (MariaDbDriver)original;
        return new ProgramCall(driver.Binary("mariadb"), [.. Where(driver), "--batch", "--default-character-set=utf8mb4", schema]);
    }

    public Task<TableContent> MeasureAsync(IComponentDriver server, string database, string schema, string table, CancellationToken cancellationToken) => WithAsync(server, async session =>
        await MeasureAsync(session, schema, table, await ColumnsAsync(session, schema, table, cancellationToken), cancellationToken), cancellationToken);

    public Task<IReadOnlyList<long>> ReplaceAsync(IComponentDriver original, string database, string source, string? before, IReadOnlyList<string> tables, CancellationToken cancellationToken) =>
        WithAsync(original, session => MariaDbReplacement.RunAsync(session, database, source, before, tables, cancellationToken), cancellationToken);

    /// <summary>Databases and tables are made outside of transactions; the row is not.</summary>
    public Task<bool> IsReplacedAsync(IComponentDriver original, string database, string before, CancellationToken cancellationToken) => WithAsync(original, async session =>
        (await ListAsync(session, $"select table_name from information_schema.tables where table_schema = {Literal(before)} and table_name = {Literal(MariaDbReplacement.Committed)}", cancellationToken)).Count > 0
        && (await ListAsync(session, $"select cast(n as char) from {Quote(before)}.{Quote(MariaDbReplacement.Committed)}", cancellationToken)).Count > 0, cancellationToken);

    public Task DropAsync(IComponentDriver original, string database, IReadOnlyList<string> schemas, CancellationToken cancellationToken) => WithAsync(original, async session =>
    {
        foreach (var schema in schemas)
        {
            await ExecuteAsync(session, $"drop database if exists {Quote(schema)}", cancellationToken);
        }

        return true;
    }, cancellationToken);

    public async Task<string> CheckAsync(IComponentDriver server, CancellationToken cancellationToken)
    {
        var driver = (MariaDbDriver)server;
        var result = await ProgramRunner.RunAsync(driver.Binary("mariadb-check"), [.. Where(driver), "--all-databases", "--check", "--extended", "--silent"], CheckTimeout, cancellationToken);
        result.Require("The check of tables and indexes (mariadb-check)", "The point cannot be relied on: refresh an older one.");
        return result.Output.Trim().Length == 0
            ? "mariadb-check --extended: every table"
            : throw new DrException($"The check of tables and indexes (mariadb-check) found: {result.Output.Trim().Split('\n')[0]}", "The point cannot be relied on: refresh an older one.");
    }

    public Task<string?> CheckStoppedAsync(IComponentDriver server, CancellationToken cancellationToken) => Task.FromResult<string?>(null);

    internal static async Task RequireTableAsync(MySqlConnection session, string database, string table, string when, CancellationToken cancellationToken)
    {
        var kind = await ListAsync(session, $"select table_type from information_schema.tables where table_schema = {Literal(database)} and table_name = {Literal(table)}", cancellationToken);
        if (kind.Count == 0)
        {
            throw new DrException($"There is no table {table} in database {database} {when}.", "'dr-edge table list SYSTEM' shows those that are there now.");
        }

        if (kind[0] != "BASE TABLE")
        {
            throw new DrException($"{table} is no ordinary table but a {kind[0].ToLowerInvariant()}.", "Only a table has rows of its own.");
        }
    }

    /// <summary>Columns that can be written, in their order.</summary>
    internal static Task<IReadOnlyList<string>> ColumnsAsync(MySqlConnection session, string database, string table, CancellationToken cancellationToken) => ListAsync(
        session, $"select column_name from information_schema.columns where table_schema = {Literal(database)} and table_name = {Literal(table)} and is_generated = 'NEVER' order by ordinal_position", cancellationToken);

    /// <summary>Rows and a sum over the checksums of their texts, which does not depend on their order.</summary>
    internal static async Task<TableContent> MeasureAsync(MySqlConnection session, string database, string table, IReadOnlyList<string> columns, CancellationToken cancellationToken)
    {
        var row = $"concat_ws(',', {string.Join(", ", columns.Select(c => $"quote(cast({Quote(c)} as binary))"))})";
        await using var command = new MySqlCommand(
            $"select count(*), coalesce(sum(conv(substr(md5({row}), 1, 12), 16, 10)), 0), (select data_length from information_schema.tables where table_schema = {Literal(database)} and table_name = {Literal(table)}) from {Quote(database)}.{Quote(table)}",
            session) { CommandTimeout = 0 };
        await using var reader = await command.ExecuteReaderAsync(cancellationToken);
        await reader.ReadAsync(cancellationToken);
        return new TableContent(table, reader.GetInt64(0), reader.IsDBNull(2) ? 0 : Convert.ToInt64(reader.GetValue(2), CultureInfo.InvariantCulture), Convert.ToString(reader.GetValue(1), CultureInfo.InvariantCulture)!);
    }

    internal static string Quote(string name) => $"`{name.Replace("`", "``", StringComparison.Ordinal)}`";

    internal static string Literal(string text) => $"'{text.Replace("\\", "\\\\", StringComparison.Ordinal).Replace("'", "''", StringComparison.Ordinal)}'";

    internal static async Task ExecuteAsync(MySqlConnection session, string statement, CancellationToken cancellationToken)
    {
        await using var command = new MySqlCommand(statement, session) { CommandTimeout = 0 };
        await command.ExecuteNonQueryAsync(cancellationToken);
    }

    internal static async Task<IReadOnlyList<string>> ListAsync(MySqlConnection session, string query, CancellationToken cancellationToken)
    {
        await using var command = new MySqlCommand(query, session) { CommandTimeout = 0 };
        await using var reader = await command.ExecuteReaderAsync(cancellationToken);
        var list = new List<string>();
        while (await reader.ReadAsync(cancellationToken))
        {
            list.Add(reader.GetString(0));
        }

        return list;
    }

    private static string[] Where(MariaDbDriver driver) => ["--no-defaults", $"--socket={MariaDbDriver.SocketOf(driver.Options)}", "--user=root"];

    private static async Task<T> WithAsync<T>(IComponentDriver server, Func<MySqlConnection, Task<T>> act, CancellationToken cancellationToken)
    {
        try
        {
            await using var session = new MySqlConnection(new MySqlConnectionStringBuilder(server.DefaultConnection!) { DefaultCommandTimeout = 0 }.ConnectionString);
            await session.OpenAsync(cancellationToken);
            return await act(session);
        }
        catch (MySqlException exception)
        {
            throw new DrException($"{server.Options.Name}: {exception.Message}", null, exception);
        }
    }
}
