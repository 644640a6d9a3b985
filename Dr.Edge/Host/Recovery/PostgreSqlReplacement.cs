using Npgsql;

namespace Dr.Edge.Host.Recovery;

/// <summary>
/// Makes the rows of PostgreSQL tables equal to those of another schema's, in one transaction: rows that are equal stay untouched, so views, grants, indexes and foreign keys stay what they are. Triggers of the tables do
/// not fire. Nothing is committed unless the rows are equal afterwards.
/// </summary>
internal static class PostgreSqlReplacement
{
    public static async Task<IReadOnlyList<long>> RunAsync(NpgsqlConnection session, string source, string? before, IReadOnlyList<string> tables, CancellationToken cancellationToken)
    {
        await using var transaction = await session.BeginTransactionAsync(cancellationToken);
        var shapes = new List<Shape>();
        foreach (var text in tables)
        {
            var name = await PostgreSqlTools.ResolveAsync(session, text, "now", cancellationToken);
            await ExecuteAsync(session, $"lock table {name} in exclusive mode", cancellationToken);
            shapes.Add(await ShapeAsync(session, name, $"{PostgreSqlTools.Quote(source)}.{PostgreSqlTools.Plain(name)}", cancellationToken));
        }

        shapes = await ParentsFirstAsync(session, shapes, cancellationToken);
        await ExecuteAsync(session, "set constraints all deferred", cancellationToken);
        if (before is not null)
        {
            await ExecuteAsync(session, $"create schema {PostgreSqlTools.Quote(before)}", cancellationToken);
        }

        var rows = new Dictionary<string, long>(StringComparer.Ordinal);
        foreach (var shape in shapes)
        {
            rows[shape.Table] = await CountAsync(session, $"select count(*) from {shape.Table}", cancellationToken);
            if (before is not null)
            {
                await ExecuteAsync(session, $"create table {PostgreSqlTools.Quote(before)}.{PostgreSqlTools.Plain(shape.Table)} as table {shape.Table}", cancellationToken);
            }
        }

        foreach (var trigger in shapes.SelectMany(s => s.Triggers, (s, t) => $"alter table {s.Table} disable trigger {t}"))
        {
            await ExecuteAsync(session, trigger, cancellationToken);
        }

        foreach (var shape in Enumerable.Reverse(shapes))
        {
            await RefuseCascadesAsync(session, shape, shapes, cancellationToken);
            await ExecuteAsync(session, shape.Delete, cancellationToken);
        }

        foreach (var shape in shapes)
        {
            await ExecuteAsync(session, shape.Insert, cancellationToken);
        }

        foreach (var trigger in shapes.SelectMany(s => s.Triggers, (s, t) => $"alter table {s.Table} enable trigger {t}"))
        {
            await ExecuteAsync(session, trigger, cancellationToken);
        }

        await ExecuteAsync(session, "set constraints all immediate", cancellationToken);
        foreach (var shape in shapes)
        {
            var now = await PostgreSqlTools.MeasureAsync(session, shape.Table, shape.Table, shape.Row, cancellationToken);
            var wanted = await PostgreSqlTools.MeasureAsync(session, shape.Source, shape.Table, shape.Row, cancellationToken);
            if (now.Rows != wanted.Rows || now.Digest != wanted.Digest)
            {
                throw new DrException($"The rows of {shape.Table} are not what they should be afterwards ({now.Rows} of {wanted.Rows}); nothing was changed.", "Does a rule or a generated column change what is written? Recover it beside the table in use instead.");
            }
        }

        // Not to be cancelled: nobody would know what became of it.
        await transaction.CommitAsync(CancellationToken.None);
        return [.. tables.Select(t => rows.First(r => PostgreSqlTools.Plain(r.Key) == PostgreSqlTools.Plain(t)).Value)];
    }

    /// <summary>A delete that would take rows of other tables with it, silently.</summary>
    private static async Task RefuseCascadesAsync(NpgsqlConnection session, Shape shape, List<Shape> all, CancellationToken cancellationToken)
    {
        var literal = shape.Table.Replace("'", "''", StringComparison.Ordinal);
        var children = await PostgreSqlTools.ListAsync(
            session,
            $"""
             select format('%I.%I', n.nspname, c.relname) || ' ' || (select string_agg(format('c.%I = x.%I', ca.attname, pa.attname), ' and ')
               from unnest(f.conkey, f.confkey) k(child, parent) join pg_attribute ca on ca.attrelid = f.conrelid and ca.attnum = k.child join pg_attribute pa on pa.attrelid = f.confrelid and pa.attnum = k.parent)
             from pg_constraint f join pg_class c on c.oid = f.conrelid join pg_namespace n on n.oid = c.relnamespace
             where f.contype = 'f' and f.confrelid = '{literal}'::regclass and f.confdeltype in ('c', 'n', 'd') and f.conrelid <> f.confrelid
             """,
            cancellationToken);
        foreach (var child in children)
        {
            var table = child[..child.IndexOf(" c.", StringComparison.Ordinal)];
            if (all.Exists(s => s.Table == table))
            {
                continue;
            }

            var hit = await CountAsync(session, $"select count(*) from {table} c join {shape.Table} x on {child[(table.Length + 1)..]} where {shape.IsSurplus("x")}", cancellationToken);
            if (hit > 0)
            {
                throw new DrException(
                    $"{hit} rows of {table} refer to rows of {shape.Table} that were not there at that moment, and would be changed or deleted with them.", $"Recover {table} together with it, or recover it beside the table in use.");
            }
        }
    }

    private static async Task<Shape> ShapeAsync(NpgsqlConnection session, string table, string source, CancellationToken cancellationToken)
    {
        static string Literal(string name) => name.Replace("'", "''", StringComparison.Ordinal);
        var columns = await PostgreSqlTools.ListAsync(
            session,
            $"""
             select quote_ident(a.attname) from pg_attribute a join pg_attribute b on b.attrelid = '{Literal(source)}'::regclass and b.attname = a.attname and b.attnum > 0 and not b.attisdropped
             where a.attrelid = '{Literal(table)}'::regclass and a.attnum > 0 and not a.attisdropped and a.attgenerated = '' order by a.attnum
             """,
            cancellationToken);
        var keys = await PostgreSqlTools.ListAsync(
            session,
            $"select quote_ident(a.attname) from pg_index i join pg_attribute a on a.attrelid = i.indrelid and a.attnum = any(i.indkey) where i.indisprimary and i.indrelid = '{Literal(table)}'::regclass",
            cancellationToken);
        var triggers = await PostgreSqlTools.ListAsync(
            session, $"select quote_ident(tgname) from pg_trigger where tgrelid = '{Literal(table)}'::regclass and not tgisinternal and tgenabled = 'O'", cancellationToken);
        return columns.Count > 0
            ? new Shape(table, source, columns, keys.All(columns.Contains) ? keys : [], triggers)
            : throw new DrException($"{table} and what it was at that moment have no column in common.", "Recover it beside the table in use instead.");
    }

    private static async Task<List<Shape>> ParentsFirstAsync(NpgsqlConnection session, List<Shape> shapes, CancellationToken cancellationToken)
    {
        var edges = await PostgreSqlTools.ListAsync(
            session,
            """
            select format('%I.%I', cn.nspname, c.relname) || '>' || format('%I.%I', pn.nspname, p.relname) from pg_constraint f join pg_class c on c.oid = f.conrelid join pg_namespace cn on cn.oid = c.relnamespace
              join pg_class p on p.oid = f.confrelid join pg_namespace pn on pn.oid = p.relnamespace where f.contype = 'f' and f.conrelid <> f.confrelid
            """,
            cancellationToken);
        var left = new List<Shape>(shapes);
        var order = new List<Shape>();
        while (left.Count > 0)
        {
            // On a circle any order is as good as another: then only deferrable constraints let it pass.
            var next = left.Find(s => !left.Exists(other => other != s && edges.Contains($"{s.Table}>{other.Table}"))) ?? left[0];
            order.Add(next);
            left.Remove(next);
        }

        return order;
    }

    private static Task ExecuteAsync(NpgsqlConnection session, string statement, CancellationToken cancellationToken) => PostgreSqlTools.ExecuteAsync(session, statement, cancellationToken);

    private static async Task<long> CountAsync(NpgsqlConnection session, string query, CancellationToken cancellationToken)
    {
        await using var command = new NpgsqlCommand(query, session) { CommandTimeout = 0 };
        return (long)(await command.ExecuteScalarAsync(cancellationToken))!;
    }

    /// <param name="Columns">That both have and that can be written.</param>
    /// <param name="Keys">Of the primary key; none: every row is replaced.</param>
    private sealed record Shape(string Table, string Source, IReadOnlyList<string> Columns, IReadOnlyList<string> Keys, IReadOnlyList<string> Triggers)
    {
        private string All => string.Join(", ", Columns);

        public string Row => $"row({string.Join(", ", Columns.Select(c => $"t.{c}"))})";

        public string Delete => $"delete from {Table} x where {IsSurplus("x")}";

        public string Insert
        {
            get
            {
                var rest = Columns.Except(Keys).ToList();
                var conflict = Keys.Count == 0 ? ""
                    : rest.Count == 0 ? $" on conflict ({string.Join(", ", Keys)}) do nothing"
                    : $" on conflict ({string.Join(", ", Keys)}) do update set {string.Join(", ", rest.Select(c => $"{c} = excluded.{c}"))} where ({string.Join(", ", rest.Select(c => $"t.{c}::text"))}) is distinct from ({string.Join(", ", rest.Select(c => $"excluded.{c}::text"))})";
                return $"insert into {Table} as t ({All}) overriding system value select {All} from {Source}{conflict}";
            }
        }

        /// <summary>True of a row that was not there then.</summary>
        public string IsSurplus(string alias) => Keys.Count == 0 ? "true" : $"not exists (select from {Source} s where {string.Join(" and ", Keys.Select(k => $"s.{k} = {alias}.{k}"))})";
    }
}
