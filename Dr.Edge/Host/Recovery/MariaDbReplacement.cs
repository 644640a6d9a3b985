using MySqlConnector;

namespace Dr.Edge.Host.Recovery;

/// <summary>
/// Makes the rows of MariaDB tables equal to those of another database's, under a lock and in one transaction: rows that are equal stay untouched. Only InnoDB can take back, so only its tables are replaced. Foreign keys
/// are not followed while it works (a cascade would take rows of other tables along); that every one of them holds is looked at before the commit.
/// </summary>
internal static class MariaDbReplacement
{
    /// <summary>A table beside the rows of before, whose one row is committed with the replacement.</summary>
    public const string Committed = "dr_committed";

    public static async Task<IReadOnlyList<long>> RunAsync(MySqlConnection session, string database, string source, string? before, IReadOnlyList<string> tables, CancellationToken cancellationToken)
    {
        await MariaDbTools.ExecuteAsync(session, $"use {MariaDbTools.Quote(database)}", cancellationToken); // A delete by alias wants one.
        var shapes = new List<Shape>();
        foreach (var table in tables)
        {
            await MariaDbTools.RequireTableAsync(session, database, table, "now", cancellationToken);
            shapes.Add(await ShapeAsync(session, database, source, table, cancellationToken));
        }

        var ties = await TiesAsync(session, database, tables, cancellationToken);
        if (before is not null)
        {
            await MariaDbTools.ExecuteAsync(session, $"create database {MariaDbTools.Quote(before)}", cancellationToken);
            await MariaDbTools.ExecuteAsync(session, $"create table {Name(before, Committed)} (n int) engine = innodb", cancellationToken);
            foreach (var shape in shapes)
            {
                await MariaDbTools.ExecuteAsync(session, $"create table {Name(before, shape.Table)} like {Name(database, shape.Table)}", cancellationToken);
            }
        }

        // Every table that a statement below names, under every name it has there.
        var locks = shapes.SelectMany(s => (IEnumerable<string>)[
            $"{Name(database, s.Table)} write", $"{Name(database, s.Table)} as x write", $"{Name(source, s.Table)} read", $"{Name(source, s.Table)} as r read",
            .. before is null ? (string[])[] : [$"{Name(before, s.Table)} write"],
        ]).Concat(before is null ? [] : [$"{Name(before, Committed)} write"]).Concat(ties.SelectMany(t => (IEnumerable<string>)[$"{t.Child} as c read", $"{t.Parent} as p read"])).Distinct(StringComparer.Ordinal);
        await MariaDbTools.ExecuteAsync(session, "set autocommit = 0, foreign_key_checks = 0", cancellationToken);
        await MariaDbTools.ExecuteAsync(session, $"lock tables {string.Join(", ", locks)}", cancellationToken);
        var isCommitted = false;
        try
        {
            var rows = new List<long>();
            foreach (var shape in shapes)
            {
                rows.Add(await ReplaceAsync(session, database, source, before, shape, cancellationToken));
            }

            foreach (var tie in ties)
            {
                await RequireHeldAsync(session, tie, cancellationToken);
            }

            if (before is not null)
            {
                await MariaDbTools.ExecuteAsync(session, $"insert into {Name(before, Committed)} values (1)", cancellationToken);
            }

            // Not to be cancelled: nobody would know what became of it.
            await MariaDbTools.ExecuteAsync(session, "commit", CancellationToken.None);
            isCommitted = true;
            return rows;
        }
        finally
        {
            if (!isCommitted)
            {
                await MariaDbTools.ExecuteAsync(session, "rollback", CancellationToken.None);
            }

            await MariaDbTools.ExecuteAsync(session, "unlock tables", CancellationToken.None);
            if (!isCommitted && before is not null)
            {
                await MariaDbTools.ExecuteAsync(session, $"drop database {MariaDbTools.Quote(before)}", CancellationToken.None);
            }
        }
    }

    private static async Task<long> ReplaceAsync(MySqlConnection session, string database, string source, string? before, Shape shape, CancellationToken cancellationToken)
    {
        var table = Name(database, shape.Table);
        var all = string.Join(", ", shape.Columns.Select(MariaDbTools.Quote));
        var rowsBefore = (await MariaDbTools.MeasureAsync(session, database, shape.Table, shape.Columns, cancellationToken)).Rows;
        if (before is not null)
        {
            var own = string.Join(", ", shape.OwnColumns.Select(MariaDbTools.Quote));
            await MariaDbTools.ExecuteAsync(session, $"insert into {Name(before, shape.Table)} ({own}) select {own} from {table}", cancellationToken);
        }

        var update = "";
        if (shape.Keys.Count == 0)
        {
            await MariaDbTools.ExecuteAsync(session, $"delete from {table}", cancellationToken);
        }
        else
        {
            var match = string.Join(" and ", shape.Keys.Select(k => $"r.{MariaDbTools.Quote(k)} = x.{MariaDbTools.Quote(k)}"));
            await MariaDbTools.ExecuteAsync(session, $"delete x from {table} x left join {Name(source, shape.Table)} r on {match} where r.{MariaDbTools.Quote(shape.Keys[0])} is null", cancellationToken);
            update = $" on duplicate key update {string.Join(", ", shape.Columns.Select(c => $"{MariaDbTools.Quote(c)} = values({MariaDbTools.Quote(c)})"))}";
        }

        await MariaDbTools.ExecuteAsync(session, $"insert into {table} ({all}) select {all} from {Name(source, shape.Table)}{update}", cancellationToken);
        var now = await MariaDbTools.MeasureAsync(session, database, shape.Table, shape.Columns, cancellationToken);
        var wanted = await MariaDbTools.MeasureAsync(session, source, shape.Table, shape.Columns, cancellationToken);
        return now.Rows == wanted.Rows && now.Digest == wanted.Digest
            ? rowsBefore
            : throw new DrException($"The rows of {shape.Table} are not what they should be afterwards ({now.Rows} of {wanted.Rows}); nothing was changed.", "Does a trigger change what is written? Recover it beside the table in use instead.");
    }

    private static async Task<Shape> ShapeAsync(MySqlConnection session, string database, string source, string table, CancellationToken cancellationToken)
    {
        var engine = await MariaDbTools.ListAsync(session, $"select engine from information_schema.tables where table_schema = {MariaDbTools.Literal(database)} and table_name = {MariaDbTools.Literal(table)}", cancellationToken);
        if (engine is not ["InnoDB"])
        {
            throw new DrException($"{table} is a {string.Join("", engine)} table, whose changes cannot be taken back.", "Recover it beside the table in use instead, without --replace.");
        }

        var own = await MariaDbTools.ColumnsAsync(session, database, table, cancellationToken);
        var columns = own.Intersect(await MariaDbTools.ColumnsAsync(session, source, table, cancellationToken), StringComparer.OrdinalIgnoreCase).ToList();
        var keys = await MariaDbTools.ListAsync(
            session, $"select column_name from information_schema.statistics where table_schema = {MariaDbTools.Literal(database)} and table_name = {MariaDbTools.Literal(table)} and index_name = 'PRIMARY' order by seq_in_index", cancellationToken);
        return columns.Count > 0
            ? new Shape(table, own, columns, keys.All(columns.Contains) ? keys : [])
            : throw new DrException($"{table} and what it was at that moment have no column in common.", "Recover it beside the table in use instead.");
    }

    private static async Task<IReadOnlyList<Tie>> TiesAsync(MySqlConnection session, string database, IReadOnlyList<string> tables, CancellationToken cancellationToken)
    {
        var names = string.Join(", ", tables.Select(MariaDbTools.Literal));
        var lines = await MariaDbTools.ListAsync(
            session,
            $"""
             select concat_ws('|', concat('`', table_schema, '`.`', table_name, '`'), concat('`', referenced_table_schema, '`.`', referenced_table_name, '`'),
               group_concat(concat('p.`', referenced_column_name, '` = c.`', column_name, '`') separator ' and '), group_concat(concat('c.`', column_name, '` is not null') separator ' and '), min(referenced_column_name))
             from information_schema.key_column_usage
             where referenced_table_name is not null and ((table_schema = {MariaDbTools.Literal(database)} and table_name in ({names})) or (referenced_table_schema = {MariaDbTools.Literal(database)} and referenced_table_name in ({names})))
             group by constraint_schema, table_schema, table_name, referenced_table_schema, referenced_table_name, constraint_name
             """,
            cancellationToken);
        return [.. lines.Select(l => l.Split('|')).Select(p => new Tie(p[0], p[1], p[2], p[3], p[4]))];
    }

    private static async Task RequireHeldAsync(MySqlConnection session, Tie tie, CancellationToken cancellationToken)
    {
        await using var command = new MySqlCommand(
            $"select count(*) from {tie.Child} c left join {tie.Parent} p on {tie.Match} where {tie.IsSet} and p.{MariaDbTools.Quote(tie.ParentColumn)} is null", session) { CommandTimeout = 0 };
        var orphans = Convert.ToInt64(await command.ExecuteScalarAsync(cancellationToken), CultureInfo.InvariantCulture);
        if (orphans > 0)
        {
            throw new DrException($"{orphans} rows of {tie.Child} would refer to rows of {tie.Parent} that were not there at that moment; nothing was changed.", "Recover both tables together, or recover it beside the table in use.");
        }
    }

    private static string Name(string database, string table) => $"{MariaDbTools.Quote(database)}.{MariaDbTools.Quote(table)}";

    /// <param name="OwnColumns">All that can be written.</param>
    /// <param name="Columns">Those that it had at the moment as well.</param>
    /// <param name="Keys">Of the primary key; none: every row is replaced.</param>
    private sealed record Shape(string Table, IReadOnlyList<string> OwnColumns, IReadOnlyList<string> Columns, IReadOnlyList<string> Keys);

    /// <summary>A foreign key.</summary>
    private sealed record Tie(string Child, string Parent, string Match, string IsSet, string ParentColumn);
}
