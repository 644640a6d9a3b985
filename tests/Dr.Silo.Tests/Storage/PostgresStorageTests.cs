using Dr.Contracts.Errors;
using Dr.Contracts.Grains;
using Dr.Contracts.Ids;
using Dr.Silo.Storage;
using Dr.Silo.Tests.Support;

namespace Dr.Silo.Tests.Storage;

[Collection(PostgresCollection.Name)]
public sealed class PostgresStorageTests(PostgresServer server) : StorageSuite
{
    protected override async Task<Database> OpenAsync() => new PostgresDatabase(await server.CreateAsync());

    protected override async Task CloseAsync() => await ((PostgresDatabase)Database).DisposeAsync();

    [Fact]
    public async Task A_silo_that_vanishes_in_the_middle_of_a_transaction_does_not_keep_its_locks()
    {
        await using var vanished = await Database.OpenAsync(CancellationToken.None);
        await using var open = await vanished.BeginTransactionAsync();
        await Database.LockAsync(vanished, open, "dr.lane.test", CancellationToken.None);

        // No more is heard of it: the server ends it, and who waited goes on before his own deadline.
        (await Database.WriteAsync(
            async (connection, transaction) =>
            {
                await Database.LockAsync(connection, transaction, "dr.lane.test", CancellationToken.None);
                return true;
            },
            CancellationToken.None)).ShouldBeTrue();
    }

    [Fact]
    public async Task A_database_that_is_not_there_is_a_transient_trouble_with_a_hint()
    {
        await using var nowhere = new PostgresDatabase("Host=127.0.0.1;Port=1;Username=x;Database=y");

        var refused = await Should.ThrowAsync<DrException>(() => nowhere.OpenAsync(CancellationToken.None));

        refused.IsTransient.ShouldBeTrue();
        refused.Hint.ShouldNotBeNull();
    }

    [Fact]
    public async Task A_database_is_reached_through_its_unix_socket_as_well()
    {
        var name = new Npgsql.NpgsqlConnectionStringBuilder(await server.CreateAsync()).Database;
        await using var local = new PostgresDatabase($"Host={server.SocketFolder};Port={server.Port};Username=postgres;Database={name}");

        await using var connection = await local.OpenAsync(CancellationToken.None);

        connection.State.ShouldBe(System.Data.ConnectionState.Open);
    }
}
