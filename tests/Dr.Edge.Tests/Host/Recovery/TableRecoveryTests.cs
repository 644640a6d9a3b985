using System.Globalization;
using Dr.Contracts.Errors;
using Dr.Edge.Cli;
using Dr.Edge.Host.Recovery;
using MySqlConnector;

namespace Dr.Edge.Tests.Host.Recovery;

/// <summary>Real databases on a volume of ours: tables come back from a point, and whatever ends a recovery early leaves nothing.</summary>
[Collection(HostStandCollection.Name)]
public sealed class TableRecoveryTests(PreparedDisk postgres, PreparedMariaDbDisk maria)
{
    [Fact]
    public async Task PostgreSql_tables_come_back_beside_and_in_place_and_are_undone()
    {
        await using var edge = await EdgeStand.StartAsync(postgres);
        var sql = edge.Host;
        await sql.ExecuteAsync("create table patron (id int primary key, name text not null); create table loan (id serial primary key, patron int not null references patron, note text, days int generated always as (id % 30) stored)");
        await sql.ExecuteAsync("create table audit (what text); create function log() returns trigger language plpgsql as 'begin insert into audit values (tg_op); return null; end'; create trigger t after insert or update or delete on loan for each row execute function log()");
        await sql.ExecuteAsync("insert into patron select i, 'reader ' || i from generate_series(1, 50) i; insert into loan (patron, note) select 1 + i % 50, 'note ' || i from generate_series(1, 1000) i; create view open_loans as select * from loan");
        const string sum = "select md5(string_agg(l::text, '|' order by id)) from loan l";
        var good = await sql.ScalarAsync(sum);
        var audited = await sql.ScalarAsync("select count(*) from audit");
        edge.Point("good");

        // Logical damage: rows lost, rows wrong, rows that should not be.
        await sql.ExecuteAsync("alter table loan disable trigger t; delete from loan where id % 3 = 0; update loan set note = 'overwritten' where id % 5 = 0; insert into loan (patron, note) values (2, 'late'); alter table loan enable trigger t");
        var damaged = await sql.ScalarAsync(sum);

        var beside = await RecoverAsync(edge, new RecoveryRequest("good", null, null, null, ["loan"], All: false, Replace: false));
        beside.Tables.Single().Rows.ShouldBe(1000);
        (await sql.ScalarAsync($"select count(*) from {beside.Recovered}.loan where note like 'note %'")).ShouldBe(1000L);
        (await sql.ScalarAsync(sum)).ShouldBe(damaged);
        (await edge.LeftoversAsync()).ShouldBeEmpty();

        var replaced = await RecoverAsync(edge, new RecoveryRequest("good", null, null, null, ["public.loan"], All: false, Replace: true));
        (await sql.ScalarAsync(sum)).ShouldBe(good);
        (await sql.ScalarAsync("select count(*) from open_loans")).ShouldBe(1000L);
        (await sql.ScalarAsync("select count(*) from audit")).ShouldBe(audited);
        (await UndoAsync(edge, replaced.Id)).State.ShouldBe(RecoveryState.Undone);
        (await sql.ScalarAsync(sum)).ShouldBe(damaged);
        (await sql.ScalarAsync("select tgenabled::text from pg_trigger where tgname = 't'")).ShouldBe("O");

        // What would break a reference, or take rows of others along, is refused and changes nothing.
        await sql.ExecuteAsync("insert into patron values (99, 'new'); insert into loan (patron, note) values (99, 'of the new one')");
        (await Should.ThrowAsync<DrException>(RecoverAsync(edge, new RecoveryRequest("good", null, null, null, ["patron"], All: false, Replace: true)))).Message.ShouldContain("foreign key");
        await sql.ExecuteAsync("alter table loan drop constraint loan_patron_fkey, add constraint loan_patron_fkey foreign key (patron) references patron on delete cascade");
        (await Should.ThrowAsync<DrException>(RecoverAsync(edge, new RecoveryRequest("good", null, null, null, ["patron"], All: false, Replace: true)))).Message.ShouldContain("1 rows of public.loan refer");
        (await sql.ScalarAsync("select count(*) from loan where patron = 99")).ShouldBe(1L);

        // Cut off in the middle.
        using var cut = new CancellationTokenSource();
        await Should.ThrowAsync<Exception>(edge.Client.StreamAsync<RecoveryRecord>(
            HttpMethod.Post, "systems/dilas/tables/recover", new RecoveryRequest("good", null, null, null, ["loan"], All: false, Replace: true),
            line =>
            {
                if (line.Step?.StartsWith("mount: done", StringComparison.Ordinal) == true)
                {
                    cut.Cancel();
                }
            }, cut.Token));
        await WaitForAsync(() => edge.Service<TableRecovery>().List(edge.Session)[^1].State == RecoveryState.TakenBack, "the cut recovery to be taken back");
        (await edge.LeftoversAsync()).ShouldBeEmpty();
        (await sql.ScalarAsync("select string_agg(nspname, ' ') from pg_namespace where nspname like 'dr\\_%'")).ShouldBe(beside.Recovered);
        (await sql.ScalarAsync(sum.Replace("from loan l", "from loan l where patron < 99", StringComparison.Ordinal))).ShouldBe(damaged);
    }

    [Fact]
    public async Task MariaDb_tables_come_back_beside_and_in_place_and_are_undone()
    {
        await using var edge = await EdgeStand.StartAsync(maria);
        var connection = edge.Session.Drivers[0].DefaultConnection!;
        foreach (var statement in (string[])[
            "create database library", "create table library.patron (id int primary key, name varchar(40) not null)",
            "create table library.loan (id int primary key auto_increment, patron int not null, note varchar(200), photo varbinary(20), days int generated always as (patron % 30) stored, foreign key (patron) references patron (id) on delete cascade)",
            "insert into library.patron select seq, concat('reader ', seq) from library.seq_1_to_50", "insert into library.loan (patron, note, photo) select 1 + seq % 50, concat('it''s ', seq), unhex(lpad(hex(seq), 8, '0')) from library.seq_1_to_1000"])
        {
            await ExecuteAsync(connection, statement);
        }

        const string sum = "select sum(crc32(concat_ws('|', id, patron, note, hex(photo)))) from library.loan";
        var good = await ScalarAsync(connection, sum);
        edge.Point("good");
        await ExecuteAsync(connection, "delete from library.loan where id % 3 = 0");
        await ExecuteAsync(connection, "update library.loan set note = 'overwritten' where id % 5 = 0");
        var damaged = await ScalarAsync(connection, sum);

        var beside = await RecoverAsync(edge, new RecoveryRequest("good", null, null, null, ["loan", "patron"], All: false, Replace: false));
        beside.Tables.Select(t => t.Rows).ShouldBe([1000L, 50L]);
        (await ScalarAsync(connection, sum.Replace("library", beside.Recovered, StringComparison.Ordinal))).ShouldBe(good);
        (await ScalarAsync(connection, sum)).ShouldBe(damaged);

        var replaced = await RecoverAsync(edge, new RecoveryRequest("good", null, null, "library", ["loan"], All: false, Replace: true));
        (await ScalarAsync(connection, sum)).ShouldBe(good);
        await UndoAsync(edge, replaced.Id);
        (await ScalarAsync(connection, sum)).ShouldBe(damaged);

        await ExecuteAsync(connection, "insert into library.patron values (99, 'new')");
        await ExecuteAsync(connection, "insert into library.loan (patron, note) values (99, 'of the new one')");
        (await Should.ThrowAsync<DrException>(RecoverAsync(edge, new RecoveryRequest("good", null, null, null, ["patron"], All: false, Replace: true)))).Message.ShouldContain("1 rows of `library`.`loan`");
        (await ScalarAsync(connection, "select count(*) from library.patron")).ShouldBe("51");
        (await ScalarAsync(connection, "select count(*) from library.loan where patron = 99")).ShouldBe("1");
        (await ScalarAsync(connection, "select count(*) from information_schema.schemata where schema_name like 'dr\\_%'")).ShouldBe("1");
        (await edge.LeftoversAsync()).ShouldBeEmpty();
    }

    private static Task<RecoveryRecord> RecoverAsync(EdgeStand edge, RecoveryRequest request) =>
        edge.Client.StreamAsync<RecoveryRecord>(HttpMethod.Post, "systems/dilas/tables/recover", request, _ => { }, default);

    private static Task<RecoveryRecord> UndoAsync(EdgeStand edge, string id) =>
        edge.Client.StreamAsync<RecoveryRecord>(HttpMethod.Post, $"systems/dilas/tables/undo/{ControlPath.Segment(id)}", null, _ => { }, default);

    private static async Task WaitForAsync(Func<bool> condition, string what)
    {
        var start = TimeProvider.System.GetTimestamp();
        while (!condition())
        {
            TimeProvider.System.GetElapsedTime(start).ShouldBeLessThan(HostStand.Patience, $"waiting for {what}");
            await Task.Delay(50);
        }
    }

    private static async Task ExecuteAsync(string connection, string statement)
    {
        await using var session = new MySqlConnection(connection);
        await session.OpenAsync();
        await using var command = new MySqlCommand(statement, session);
        await command.ExecuteNonQueryAsync();
    }

    private static async Task<string> ScalarAsync(string connection, string query)
    {
        await using var session = new MySqlConnection(connection);
        await session.OpenAsync();
        await using var command = new MySqlCommand(query, session);
        return Convert.ToString(await command.ExecuteScalarAsync(), CultureInfo.InvariantCulture)!;
    }
}
