using System.Data.Common;
using Dapper;
using Dr.Silo.Storage;
using Dr.Silo.Tests.Support;

namespace Dr.Silo.Tests.Storage;

/// <summary>Writes that come together share a commit, and each is still its own.</summary>
public sealed class GroupCommitTests : IAsyncLifetime
{
    private readonly TempDirectory _directory = new();
    private SqliteDatabase _database = null!;
    private GroupCommit _commits = null!;
    private int _begun;

    public async ValueTask InitializeAsync()
    {
        _database = new SqliteDatabase(_directory.File("silo.db"));
        await _database.WriteAsync((connection, transaction) => connection.ExecuteAsync("create table t (n integer primary key)", transaction: transaction), CancellationToken.None);
        _commits = new GroupCommit(_database.OpenAsync, connection =>
        {
            Interlocked.Increment(ref _begun);
            return ((Microsoft.Data.Sqlite.SqliteConnection)connection).BeginTransaction(deferred: false);
        });
    }

    public ValueTask DisposeAsync()
    {
        Microsoft.Data.Sqlite.SqliteConnection.ClearAllPools();
        _directory.Dispose();
        return ValueTask.CompletedTask;
    }

    [Fact]
    public async Task What_comes_during_a_commit_shares_the_next_and_one_that_fails_takes_only_its_own_back()
    {
        var (begun, gate) = (new TaskCompletionSource(), new TaskCompletionSource());
        var first = _commits.WriteAsync(async (_, _) => { begun.SetResult(); await gate.Task; return 0; }, CancellationToken.None);
        await begun.Task;
        using var left = new CancellationTokenSource();
        var cancelled = InsertAsync(500, left.Token);
        var others = Enumerable.Range(0, 100).Select(n => n == 50 ? FailAsync(n) : InsertAsync(n)).ToArray();
        await left.CancelAsync();
        others.ShouldAllBe(t => !t.IsCompleted, "nobody is answered before the commit that has his work");
        gate.SetResult();

        await first;
        await Task.WhenAll(others.Where((_, n) => n != 50));
        (await Should.ThrowAsync<InvalidOperationException>(() => others[50])).Message.ShouldBe("mine");
        await Should.ThrowAsync<OperationCanceledException>(() => cancelled);

        _begun.ShouldBe(2);
        (await StoredAsync()).ShouldBe([.. Enumerable.Range(0, 100).Where(n => n != 50)]);
    }

    [Fact]
    public async Task A_commit_that_fails_is_told_to_everybody_and_the_next_one_works()
    {
        await InsertAsync(1);
        await Should.ThrowAsync<Exception>(() => _commits.WriteAsync(async (connection, _) => { await connection.CloseAsync(); return 0; }, CancellationToken.None));

        await InsertAsync(2);
        (await StoredAsync()).ShouldBe([1, 2]);
    }

    private Task<int> InsertAsync(int n, CancellationToken cancellationToken = default) => _commits.WriteAsync((connection, transaction) => Insert(connection, transaction, n), cancellationToken);

    private Task<int> FailAsync(int n) => _commits.WriteAsync<int>(
        async (connection, transaction) =>
        {
            await Insert(connection, transaction, n);
            throw new InvalidOperationException("mine");
        },
        CancellationToken.None);

    private static Task<int> Insert(DbConnection connection, DbTransaction transaction, int n) => connection.ExecuteAsync("insert into t (n) values (@n)", new { n }, transaction);

    private async Task<IReadOnlyList<int>> StoredAsync()
    {
        await using var connection = await _database.OpenAsync(CancellationToken.None);
        return [.. await connection.QueryAsync<int>("select n from t order by n")];
    }
}
