using Dr.Contracts.Errors;
using Dr.Contracts.Grains;
using Dr.Contracts.Ids;
using Dapper;
using Dr.Silo.Storage;
using Dr.Silo.Tests.Support;

namespace Dr.Silo.Tests.Storage;

public sealed class SqliteStorageTests : StorageSuite
{
    private readonly TempDirectory _directory = new();

    protected override Task<Database> OpenAsync() => Task.FromResult<Database>(new SqliteDatabase(_directory.File("silo.db")));

    protected override Task CloseAsync()
    {
        _directory.Dispose();
        return Task.CompletedTask;
    }

    [Fact]
    public async Task Every_commit_is_flushed_also_on_the_connections_that_the_grain_storage_opens_itself()
    {
        await using var ours = await Database.OpenAsync(CancellationToken.None);
        await using var theirs = new Microsoft.Data.Sqlite.SqliteConnection(Database.ConnectionString);
        await theirs.OpenAsync();

        // 2 = FULL: in write-ahead mode anything less loses the last commits in a power cut.
        (await ours.ExecuteScalarAsync<long>("pragma synchronous")).ShouldBe(2);
        (await theirs.ExecuteScalarAsync<long>("pragma synchronous")).ShouldBe(2);
        (await theirs.ExecuteScalarAsync<string>("pragma journal_mode")).ShouldBe("wal");
    }

    [Fact]
    public async Task A_store_that_cannot_be_opened_says_what_to_check()
    {
        var refused = await Should.ThrowAsync<DrException>(() => new SqliteDatabase("/proc/no/such/silo.db").OpenAsync(CancellationToken.None));

        refused.Hint.ShouldNotBeNull();
    }
}
