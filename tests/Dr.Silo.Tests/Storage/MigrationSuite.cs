using Dapper;
using Dr.Contracts.Errors;
using Dr.Contracts.Ids;
using Dr.Silo.Storage;
using Dr.Silo.Tests.Support;

namespace Dr.Silo.Tests.Storage;

/// <summary>The way of a database to the shape that this version needs, from nothing and from every shape before; run on SQLite and on PostgreSQL.</summary>
public abstract class MigrationSuite
{
    /// <summary>A database without any table; each call of what is returned opens it anew, as another silo does.</summary>
    private protected abstract Task<Func<Database>> FreshAsync();

    private protected abstract string SchemaSql { get; }

    [Fact]
    public async Task Of_three_silos_that_start_at_once_on_a_new_database_each_script_is_applied_by_one()
    {
        var open = await FreshAsync();

        var applied = await Task.WhenAll(Enumerable.Range(0, 3).Select(_ => Task.Run(() => new Migrator(open()).ApplyAsync(CancellationToken.None))));

        applied.Sum().ShouldBe(Scripts(open()).Count);
        applied.Count(count => count > 0).ShouldBe(1);
    }

    [Fact]
    public async Task Every_older_database_becomes_what_a_new_one_is_and_keeps_what_it_holds()
    {
        var expected = await FreshAsync();
        await new Migrator(expected()).ApplyAsync(CancellationToken.None);
        var schema = await SchemaAsync(expected());
        var scripts = Scripts(expected());
        for (var known = 0; known < scripts.Count; known++)
        {
            var open = await FreshAsync();
            await new Migrator(open(), [.. scripts.Take(known)]).ApplyAsync(CancellationToken.None);
            var hasLedger = scripts.Take(known).Any(s => s.Name.StartsWith("0010", StringComparison.Ordinal));
            if (hasLedger)
            {
                await new OwnershipLedger(open(), TimeProvider.System).EnsureAsync(new SystemId("dilas"), new SiteId("production"), CancellationToken.None);
            }

            (await new Migrator(open()).ApplyAsync(CancellationToken.None)).ShouldBe(scripts.Count - known);

            (await SchemaAsync(open())).ShouldBe(schema, $"from {known} scripts on");
            (await new OwnershipLedger(open(), TimeProvider.System).ReadAsync(new SystemId("dilas"), CancellationToken.None) is not null).ShouldBe(hasLedger);
            (await new Migrator(open()).ApplyAsync(CancellationToken.None)).ShouldBe(0);
        }
    }

    [Fact]
    public async Task A_database_of_a_newer_version_is_refused_and_left_as_it_is()
    {
        var open = await FreshAsync();
        var scripts = Scripts(open());
        await new Migrator(open(), [.. scripts, new MigrationScript("9999-later.sql", "create table dr_later (id bigint primary key)", "digest")]).ApplyAsync(CancellationToken.None);
        var before = await SchemaAsync(open());

        var refused = await Should.ThrowAsync<DrException>(() => new Migrator(open()).ApplyAsync(CancellationToken.None));

        refused.Message.ShouldContain("9999-later.sql");
        refused.Hint.ShouldNotBeNull();
        (await SchemaAsync(open())).ShouldBe(before);
    }

    [Fact]
    public async Task A_script_that_fails_leaves_nothing_of_itself_and_of_those_before_it()
    {
        var open = await FreshAsync();
        var scripts = Scripts(open());

        await Should.ThrowAsync<System.Data.Common.DbException>(() =>
            new Migrator(open(), [.. scripts, new MigrationScript("9999-bad.sql", "create table dr_later (id bigint primary key); insert into dr_nowhere values (1)", "digest")]).ApplyAsync(CancellationToken.None));

        (await SchemaAsync(open())).ShouldNotContain(row => row.Contains("dr_later", StringComparison.Ordinal) || row.Contains("dr_ownership", StringComparison.Ordinal));
        (await new Migrator(open()).ApplyAsync(CancellationToken.None)).ShouldBe(scripts.Count);
    }

    private static IReadOnlyList<MigrationScript> Scripts(Database database) => Migrator.Scripts(database.Kind);

    private async Task<IReadOnlyList<string>> SchemaAsync(Database database)
    {
        await using var connection = await database.OpenAsync(CancellationToken.None);
        return [.. await connection.QueryAsync<string>(SchemaSql)];
    }
}

public sealed class SqliteMigrationTests : MigrationSuite, IDisposable
{
    private readonly TempDirectory _directory = new();

    private protected override string SchemaSql => "select coalesce(sql, name) from sqlite_master order by type, name";

    public void Dispose() => _directory.Dispose();

    private protected override Task<Func<Database>> FreshAsync()
    {
        var path = _directory.File($"{Guid.NewGuid():N}.db");
        return Task.FromResult<Func<Database>>(() => new SqliteDatabase(path));
    }
}

[Collection(PostgresCollection.Name)]
public sealed class PostgresMigrationTests(PostgresServer server) : MigrationSuite, IAsyncDisposable
{
    private readonly List<PostgresDatabase> _opened = [];

    private protected override string SchemaSql =>
        """
        select line from (
            select table_name || '.' || column_name || ' ' || data_type || ' ' || is_nullable || ' ' || coalesce(column_default, '') as line from information_schema.columns where table_schema = 'public'
            union all select indexdef from pg_indexes where schemaname = 'public'
            union all select conrelid::regclass || ' ' || pg_get_constraintdef(oid) from pg_constraint where connamespace = 'public'::regnamespace
            union all select event_object_table || ' ' || trigger_name || ' ' || event_manipulation || ' ' || action_statement from information_schema.triggers
            union all select proname || ' ' || prosrc from pg_proc where pronamespace = 'public'::regnamespace) all_of_it
        order by line collate "C"
        """;

    public async ValueTask DisposeAsync()
    {
        foreach (var database in _opened)
        {
            await database.DisposeAsync();
        }
    }

    private protected override async Task<Func<Database>> FreshAsync()
    {
        var connection = await server.CreateAsync();
        return () =>
        {
            var database = new PostgresDatabase(connection);
            lock (_opened)
            {
                _opened.Add(database);
            }

            return database;
        };
    }
}
