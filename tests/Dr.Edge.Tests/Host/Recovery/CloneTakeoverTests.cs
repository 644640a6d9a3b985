using Dr.Contracts.Errors;
using Dr.Contracts.Ids;
using Dr.Edge.Cli;
using Dr.Edge.Host.Recovery;

namespace Dr.Edge.Tests.Host.Recovery;

[Collection(HostStandCollection.Name)]
public sealed class CloneTakeoverTests(PreparedDisk prepared)
{
    [Fact]
    public async Task A_point_is_proved_on_a_clone_and_the_system_works_on_one_until_it_goes_home_or_another_owner_comes()
    {
        await using var edge = await EdgeStand.StartAsync(prepared);
        var sql = edge.Host;
        await sql.ExecuteAsync("create table loan (id int primary key); insert into loan select generate_series(1, 100)");
        edge.Point("good");
        await sql.ExecuteAsync("drop table loan");

        var refreshed = await edge.Client.StreamAsync<RefreshRecord>(HttpMethod.Post, "systems/dilas/refresh", new RefreshRequest("good", "proved"), _ => { }, default);
        refreshed.IsSound.ShouldBe(true, refreshed.Reason);
        refreshed.Steps.Select(s => s.Detail).ShouldContain("pg_amcheck: every table and B-tree");
        refreshed.Steps.Select(s => s.Detail).ShouldContain("pg_checksums: every page");
        edge.Volumes.Get("proved").Points[^1].Reason!.ShouldContain("recovered and checked");

        // Nothing is stopped for a clone that is not there.
        (await Should.ThrowAsync<DrException>(edge.OrderAsync("start?on=typo"))).Message.ShouldContain("typo");
        (await sql.ScalarAsync("select 1")).ShouldBe(1);

        await edge.OrderAsync("start?on=proved");
        edge.Session.CurrentVolume.ShouldBe("proved");
        (await sql.ScalarAsync("select count(*) from loan")).ShouldBe(100L);
        await sql.ExecuteAsync("insert into loan values (101)");
        await edge.OrderAsync("stop");
        await edge.OrderAsync("start"); // As before: on the clone.
        (await sql.ScalarAsync("select count(*) from loan")).ShouldBe(101L);

        await edge.OrderAsync($"start?epoch={new Epoch(7)}"); // Another ownership: the volume is the truth.
        edge.Session.CurrentVolume.ShouldBe("dilas");
        (await sql.ScalarAsync("select to_regclass('loan')::text")).ShouldBe(DBNull.Value);
        await CloneStand.DeleteCloneAsync(edge.Volumes, "proved", TimeProvider.System); // Nobody has it attached any more.
        (await edge.LeftoversAsync()).ShouldBeEmpty();
    }

    [Fact]
    public async Task Damage_that_the_database_sees_only_when_it_reads_is_found_by_a_refresh()
    {
        Assert.SkipUnless(Environment.GetEnvironmentVariable("DR_HOST_LONG") == "1", "DR_HOST_LONG=1 runs it (4 s)");
        await using var edge = await EdgeStand.StartAsync(prepared);
        await edge.Host.ExecuteAsync("create table loan (id int primary key); insert into loan select generate_series(1, 2000); checkpoint");
        var file = Path.Combine(edge.Host.PostgreSql.DataDirectory!, (string)(await edge.Host.ScalarAsync("select pg_relation_filepath('loan')"))!);
        using (var heap = File.OpenWrite(file))
        {
            heap.Position = 8192 + 4000;
            heap.Write([0xDE, 0xAD, 0xBE, 0xEF]);
            heap.Flush(flushToDisk: true);
        }

        edge.Point("bad");
        var refreshed = await edge.Client.StreamAsync<RefreshRecord>(HttpMethod.Post, "systems/dilas/refresh", new RefreshRequest("bad", "kept"), _ => { }, default);
        refreshed.IsSound.ShouldBe(false);
        refreshed.Reason!.ShouldContain("pg_amcheck");
        (await edge.LeftoversAsync()).ShouldBeEmpty();
    }
}
