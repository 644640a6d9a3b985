using System.Net;
using Dr.Silo.Storage;
using Dr.Silo.Tests.Support;
using Microsoft.Extensions.DependencyInjection;
using Orleans.Configuration;
using Orleans.Runtime;

namespace Dr.Silo.Tests.Storage;

/// <summary>Orleans' membership on our tables and queries: what the protocol builds on is compare-and-swap of the table's version.</summary>
[Collection(PostgresCollection.Name)]
public sealed class MembershipTableTests(PostgresServer server) : IAsyncLifetime
{
    private readonly ScriptedWorld _world = new();
    private PostgresDatabase _database = null!;
    private TestSilo _silo = null!;
    private int _port = 1000;

    private IMembershipTable Table => _silo.Services.GetRequiredService<IMembershipTable>();

    public async ValueTask InitializeAsync()
    {
        _database = new PostgresDatabase(await server.CreateAsync());
        _silo = await TestSilo.StartAsync(_database, _world);
    }

    public async ValueTask DisposeAsync()
    {
        await _silo.DisposeAsync();
        await _world.DisposeAsync();
        await _database.DisposeAsync();
    }

    [Fact]
    public async Task Of_many_that_insert_at_the_same_version_exactly_one_does_and_the_version_goes_up_by_one()
    {
        // The silo of the test writes into the table, too, but only its own row's time, which is not the version.
        var seen = (await Table.ReadAllAsync(CancellationToken.None)).Version;

        var done = await Task.WhenAll(Enumerable.Range(0, 8).Select(_ => Table.InsertRowAsync(Entry(SiloStatus.Joining), seen.Next(), CancellationToken.None)));

        done.Count(d => d).ShouldBe(1);
        (await Table.ReadAllAsync(CancellationToken.None)).Version.Version.ShouldBe(seen.Version + 1);
    }

    [Fact]
    public async Task An_update_at_an_old_version_changes_nothing()
    {
        var entry = Entry(SiloStatus.Active);
        var seen = (await Table.ReadAllAsync(CancellationToken.None)).Version;
        (await Table.InsertRowAsync(entry, seen.Next(), CancellationToken.None)).ShouldBeTrue();
        var (row, etag) = (await Table.ReadRowAsync(entry.SiloAddress, CancellationToken.None)).Members.Single();

        row.Status = SiloStatus.Dead;
        (await Table.UpdateRowAsync(row, etag, seen.Next(), CancellationToken.None)).ShouldBeFalse();
        (await StatusAsync(entry)).ShouldBe(SiloStatus.Active);
        (await Table.UpdateRowAsync(row, etag, (await Table.ReadAllAsync(CancellationToken.None)).Version.Next(), CancellationToken.None)).ShouldBeTrue();
        (await StatusAsync(entry)).ShouldBe(SiloStatus.Dead);
    }

    [Fact]
    public async Task A_row_that_is_there_is_not_inserted_again_and_one_that_is_not_there_is_not_updated()
    {
        var entry = Entry(SiloStatus.Joining);
        (await Table.InsertRowAsync(entry, await NextAsync(), CancellationToken.None)).ShouldBeTrue();

        (await Table.InsertRowAsync(entry, await NextAsync(), CancellationToken.None)).ShouldBeFalse();
        (await Table.UpdateRowAsync(Entry(SiloStatus.Active), "0", await NextAsync(), CancellationToken.None)).ShouldBeFalse();
    }

    [Fact]
    public async Task Suspicions_and_times_are_kept_and_a_sign_of_life_does_not_raise_the_version()
    {
        var entry = Entry(SiloStatus.Active);
        await Table.InsertRowAsync(entry, await NextAsync(), CancellationToken.None);
        var (row, etag) = (await Table.ReadRowAsync(entry.SiloAddress, CancellationToken.None)).Members.Single();
        row.AddSuspector(Entry(SiloStatus.Active).SiloAddress, DateTime.UtcNow);
        await Table.UpdateRowAsync(row, etag, await NextAsync(), CancellationToken.None);
        var before = (await Table.ReadAllAsync(CancellationToken.None)).Version.Version;

        entry.IAmAliveTime = DateTime.UtcNow.AddMinutes(1);
        await Table.UpdateIAmAliveAsync(entry, CancellationToken.None);

        var all = await Table.ReadAllAsync(CancellationToken.None);
        var read = all.Members.Select(m => m.Item1).Single(m => m.SiloAddress.Equals(entry.SiloAddress));
        all.Version.Version.ShouldBe(before);
        read.SuspectTimes!.Count.ShouldBe(1);
        read.IAmAliveTime.ShouldBe(entry.IAmAliveTime, TimeSpan.FromMilliseconds(1));
    }

    [Fact]
    public async Task Only_the_rows_of_the_dead_are_cleared_away()
    {
        var (dead, alive) = (Entry(SiloStatus.Dead), Entry(SiloStatus.Active));
        foreach (var entry in new[] { dead, alive })
        {
            entry.StartTime = entry.IAmAliveTime = DateTime.UtcNow.AddDays(-30);
            await Table.InsertRowAsync(entry, await NextAsync(), CancellationToken.None);
        }

        await Table.CleanupDefunctSiloEntriesAsync(DateTimeOffset.UtcNow.AddDays(-7), CancellationToken.None);

        var left = (await Table.ReadAllAsync(CancellationToken.None)).Members.Select(m => m.Item1.SiloAddress).ToArray();
        left.ShouldContain(alive.SiloAddress);
        left.ShouldNotContain(dead.SiloAddress);
    }

    private async Task<TableVersion> NextAsync() => (await Table.ReadAllAsync(CancellationToken.None)).Version.Next();

    private async Task<SiloStatus> StatusAsync(MembershipEntry entry) => (await Table.ReadRowAsync(entry.SiloAddress, CancellationToken.None)).Members.Single().Item1.Status;

    private MembershipEntry Entry(SiloStatus status)
    {
        var address = SiloAddress.New(new IPEndPoint(IPAddress.Loopback, Interlocked.Increment(ref _port)), 1);
        return new MembershipEntry
        {
            SiloAddress = address, SiloName = address.ToString(), HostName = "test", Status = status, ProxyPort = 1, StartTime = DateTime.UtcNow, IAmAliveTime = DateTime.UtcNow, SuspectTimes = [],
        };
    }
}
