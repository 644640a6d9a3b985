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
    public async Task A_database_that_is_not_there_is_a_transient_trouble_with_a_hint()
    {
        await using var nowhere = new PostgresDatabase("Host=127.0.0.1;Port=1;Username=x;Database=y");

        var refused = await Should.ThrowAsync<DrException>(() => nowhere.OpenAsync(CancellationToken.None));

        refused.IsTransient.ShouldBeTrue();
        refused.Hint.ShouldNotBeNull();
    }
}
